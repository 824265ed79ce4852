import { connectMs, lockWaitMs, queueMs } from '@rekey/times';
import type { Pool } from 'pg';
import { unlimitedConnections } from './connection-budget.ts';
import { parseDatabaseUrl } from './database-url.ts';
import { type Settings, seesAllRows, waitsBelowDeadlock } from './session-settings.ts';
import { storeClientClass } from './store-client.ts';
import type { StoreOptions } from './store-options.ts';
import { StorePool } from './store-pool.ts';

/** A pool of connections to Postgres. Whoever opened it calls `end()`. */
export type Store = Pool;

/**
 * An API that waits for it answers 503 after it. TCP sends a lost first packet again after a second, and forty
 * connections at once (a start of everything after an outage) took a small server one: less calls it dead for nothing.
 */
export const promptConnectMs = connectMs.api;

/**
 * How long a caller queues for one of the pool's connections. All of them being busy does not mean that Postgres is
 * away: hundreds of rotate calls at once for one tenant take turns on its row, and are to be told 409, not 503.
 */
const promptQueueMs = queueMs;

/**
 * What Postgres itself puts an end to, before a connection is cut here: a lock first, since that says what is in the
 * way, then the statement. What was given up by us must not be carried out afterwards.
 */
const lockShare = 0.8;
const statementShare = 0.9;

/** Opens a pool; connects only when first used. Throws {@link StoreError} `UNFIT` for a malformed URL. */
export function openStore({
  url,
  max = 10,
  budget = unlimitedConnections(),
  queueTimeoutMs = promptQueueMs,
  applicationName = 'rekey',
  session = {},
  connectTimeoutMs = promptConnectMs,
  takenMaxMs,
  transactionPooler = 'refuse',
  onError,
}: StoreOptions): Store {
  const pool = new StorePool({
    max,
    connectionTimeoutMillis: queueTimeoutMs,
    silentMaxMs: takenMaxMs,
    Client: storeClientClass({
      address: parseDatabaseUrl(url),
      applicationName,
      session: { ...limitsBelow(takenMaxMs), ...session },
      connectTimeoutMs,
      transactionPooler,
      budget,
    }),
  });
  pool.on('error', onError);
  return pool;
}

function limitsBelow(takenMaxMs: number | undefined): Settings {
  if (takenMaxMs === undefined) return {};
  return {
    lock_timeout: Math.floor(lockShare * takenMaxMs),
    statement_timeout: Math.floor(statementShare * takenMaxMs),
    idle_in_transaction_session_timeout: takenMaxMs,
  };
}

/**
 * For what workers do. They do nothing slow inside a transaction, so one that stands still is a process that was
 * stopped or cut off: it must not keep applications waiting for what it locks until it moves again or TCP gives up.
 *
 * Their statements have one good plan each, whatever the values: it is made once, not for each of the first executions
 * too. That may be while there is hardly a rotation yet, when reading a table through looks cheapest, and the plan stays
 * when there are thousands: after 2,000 of them two of a rotation's statements took 2 ms each.
 */
export const workerSession = {
  ...seesAllRows,
  idle_in_transaction_session_timeout: 800,
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  jit: 'off', // which Postgres before 18 would try on what cannot but be read through
} as const;

/**
 * Opens a pool for the sweep: for reading, writing and counting records range by range.
 *
 * Its sessions wait for a lock far shorter than Postgres' `deadlock_timeout` (1 s by default), whatever that is, so that the
 * sweep gives way before an application could be chosen as a deadlock's victim; a batch takes milliseconds.
 *
 * They also know only one plan, by index and in the order of ids: the planner guesses how many records a batch
 * touches from statistics that a bulk load has not refreshed yet, and a hash join over the whole table per batch made
 * the sweep five times slower.
 *
 * Old and new rows of a batch, which Postgres keeps for its triggers, fit into `work_mem`, whatever the database was given:
 * they would go to files, of which there may be a limit.
 *
 * And they do not wait for the disk at each commit. What a crash of Postgres may take back (batches of the last
 * moments with their counts and cursors, all or none of each) is still there under the older DEK, and is swept again.
 * Whatever others build on is committed through {@link openStore}, and flushes all of this with it: the switch, every
 * published snapshot, the end. Above all the material of a DEK, which processes fetch as soon as they see it.
 */
export function openSweepStore(options: Omit<StoreOptions, 'session'>): Store {
  return openStore({
    ...options,
    session: {
      ...workerSession,
      lock_timeout: waitsBelowDeadlock(lockWaitMs.batch),
      synchronous_commit: 'off',
      work_mem: '16MB',
      enable_hashjoin: 'off',
      enable_mergejoin: 'off',
      enable_bitmapscan: 'off',
      enable_sort: 'off',
    },
  });
}
