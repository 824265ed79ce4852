import { seconds } from '@rekey/data';
import { throttleSilentMs } from '@rekey/times';

/** What the sweep of a rotation is held back for. */
export interface ThrottledBy {
  /** One of the names in `packages/rotation/src/throttle/signal.ts`. */
  readonly signal: ThrottleSignal;
  readonly detail: string;
  readonly since: string;
}

/** With how far it is held back, which is not told: `stop` is that it stands still. */
export interface ThrottledRow extends ThrottledBy {
  readonly level: 'slow' | 'stop';
}

export const throttleSignals = [
  'lag',
  'wal_archive',
  'load',
  'latency',
  'locks',
  'dead_tuples',
  'query',
  'http',
] as const;
export type ThrottleSignal = (typeof throttleSignals)[number];

/** For a row of rotations: what most holds it back, over all processes that have said so lately. */
export const throttledColumn = `
  (select jsonb_build_object('signal', t.signal, 'detail', t.detail, 'level', t.level,
     'since', to_char(t.since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
   from rekey.rotation_throttles t
   where t.rotation_id = id and t.seen_at > clock_timestamp() - ${seconds(throttleSilentMs)}
   order by t.level desc, t.since limit 1) as throttled_by`;

/** One that does not run is held back by nothing. */
export function toThrottledBy({
  status,
  throttled_by: throttledBy,
}: {
  readonly status: string;
  readonly throttled_by: ThrottledRow | null;
}): ThrottledBy | null {
  if (status !== 'in_progress' || throttledBy === null) return null;
  const { signal, detail, since } = throttledBy;
  return { signal, detail, since };
}
