import { inTransaction, isPg, type Queryable, row, rows, type Store } from '@rekey/db';
import { askedMs } from '@rekey/times';
import type { ThrottleSignal } from './throttled-by.ts';

/** What the server tells of how it bears the load. Positions in the WAL are in bytes. Null: not to be seen. */
export interface Pressure {
  /** Where the WAL ends. */
  readonly wal: number | null;
  /** Null: nothing is archived. */
  readonly archiver: {
    readonly isFailing: boolean;
    readonly lastFailed: string | null;
    readonly behindBytes: number | null;
  } | null;
  readonly standbys: readonly Standby[] | null;
  readonly slots: readonly Slot[];
  /** Statements of others than Rekey's processes that are under way, on average over the look. */
  readonly activeSessions: number | null;
  /** Worker processes that live, as the register knows them. */
  readonly workers: number;
  readonly tables: ReadonlyArray<{ readonly name: string; readonly live: number; readonly dead: number }>;
}

/** Whoever receives the WAL as it is written. */
export interface Standby {
  readonly name: string;
  readonly pid: number;
  readonly received: number | null;
  readonly replayed: number | null;
  readonly slot: string | null;
}

export interface Slot {
  readonly name: string;
  readonly isActive: boolean;
  readonly keepsBytes: number | null;
  readonly isLost: boolean;
}

export async function readPressure(on: Queryable): Promise<Pressure> {
  return (await row<{ pressure: Pressure }>(on, 'select rekey.read_pressure() as pressure')).pressure;
}

/** `slow`: it goes on within its least share; `stop`: it stands still. */
export type ThrottleLevel = 'slow' | 'stop';

export interface Throttling {
  readonly signal: ThrottleSignal;
  readonly level: ThrottleLevel;
  readonly detail: string;
}

/** Says what this process holds back its sweep of a rotation for; null: it does not, or not any more. */
export async function noteThrottle(
  store: Store,
  rotationId: string,
  processId: string,
  throttling: Throttling | null,
): Promise<void> {
  const { signal, level, detail } = throttling ?? { signal: null, level: null, detail: null };
  await inTransaction(store, (tx) =>
    rows(tx, 'select rekey.note_throttle($1, $2, $3, $4, $5)', [
      rotationId,
      processId,
      signal,
      level,
      detail,
    ]),
  );
}

/** Those of processes that have been silent since are ended; how many. */
export async function endSilentThrottles(store: Store): Promise<number> {
  const silent = await rows<{ rotation_id: string; process_id: string }>(
    store,
    `select rotation_id, process_id from rekey.rotation_throttles
     where seen_at < clock_timestamp() - interval '10 seconds' limit 100`,
  );
  for (const { rotation_id, process_id } of silent) await noteThrottle(store, rotation_id, process_id, null);
  return silent.length;
}

/**
 * Asks a query of the operator's whether the sweep is to stand still, in a transaction that can write nothing, within a
 * second: the first column of each row; undefined in one that has none.
 *
 * @param role who asks, in place of the worker's own role, which has to be a member of it
 */
export async function askThrottleQuery(
  store: Store,
  query: string,
  role: string | null,
): Promise<readonly unknown[]> {
  return inTransaction(store, async (tx) => {
    await rows(
      tx,
      `select set_config('transaction_read_only', 'on', true), set_config('statement_timeout', $1, true)`,
      [String(askedMs)],
    );
    if (role !== null) await rows(tx, `select set_config('role', $1, true)`, [role]);
    // By the extended protocol Postgres takes one statement and no more: nothing ends the transaction and goes on outside it. By
    // place, since columns without a name are all called the same.
    const question = { text: query, rowMode: 'array' as const, queryMode: 'extended' as const };
    return isPg(tx) ? (await tx.query<unknown[]>(question)).rows.map(([first]) => first) : [];
  });
}
