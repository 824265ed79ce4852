import { setTimeout as sleep } from 'node:timers/promises';
import { noteWaiting, renewLease } from '@rekey/data';
import type { Sweep } from './sweep.ts';

/** The wait of one range for records that others keep locked. */
export interface LockWait {
  /** Backs off before another pass; false when the lease is lost. */
  pause(left: number, idlePasses: number): Promise<boolean>;
  /** Something was replaced: it does not wait any more. */
  over(): Promise<void>;
}

/** After so long it is told, and again so often. */
const tellsAfterMs = 30_000;
const tellsEveryMs = 60_000;

export function createLockWait({ env, rotation, target, lease, heartbeat, signal }: Sweep): LockWait {
  const { id: rotationId, tenantId } = rotation;
  let since: Date | null = null;
  let toldMs = 0;
  return {
    async pause(left, idlePasses) {
      if (since === null) {
        since = new Date();
        toldMs = performance.now() + tellsAfterMs - tellsEveryMs;
        await noteWaiting(env.sweepStore, lease, 'lock');
      }
      if (performance.now() - toldMs >= tellsEveryMs) {
        toldMs = performance.now();
        env.onEvent?.({ kind: 'locked', rotationId, tenantId, target: target.name, items: left, since });
      }
      await heartbeat.waits('lock', {
        what: `${left} records of ${target.table} are locked by other transactions`,
        since: since.toISOString(),
        todo: 'let them end; if one was forgotten, end it: select pg_terminate_backend(pid)',
      });
      const pauseMs = Math.min(1_000, 25 * 2 ** Math.min(idlePasses, 6));
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
      return renewLease(env.sweepStore, lease);
    },
    async over() {
      if (since === null) return;
      since = null;
      await noteWaiting(env.sweepStore, lease, null);
    },
  };
}
