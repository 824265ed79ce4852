import { hostname } from 'node:os';
import { actingAs, openStore, openSweepStore, type Store, workerSession } from '@rekey/db';
import type { Logger } from '@rekey/runtime';
import { connectMs, heartbeatWaitsMs, takenMaxMs } from '@rekey/times';
import type { WorkerConnections } from './connections.ts';

interface Stores {
  /** For what must come in time whatever else is under way. */
  readonly heartbeatStore: Store;
  readonly store: Store;
  readonly sweepStore: Store;
}

/** The worker's pools, divided so that no kind of work can starve another. */
export function openStores(url: string, connections: WorkerConnections, logger: Logger): Stores {
  const database = {
    url,
    // Nobody waits for a worker's answer, so it has the patience that a far or busy Postgres needs.
    connectTimeoutMs: connectMs.worker,
    takenMaxMs: takenMaxMs.worker,
    budget: connections.budget,
    onError: (error: Error) => logger.debug('postgres', { error }),
  };
  const session = { ...workerSession, ...actingAs({ kind: 'worker', id: `${hostname()}/${process.pid}` }) };
  return {
    heartbeatStore: openStore({
      ...database,
      // One that waits longer is left out, so that the next one of another rotation gets its turn.
      session: { ...session, lock_timeout: heartbeatWaitsMs },
      max: connections.heartbeats,
      applicationName: 'rekey-worker',
    }),
    store: openStore({
      ...database,
      queueTimeoutMs: takenMaxMs.worker,
      session,
      max: connections.steps,
      applicationName: 'rekey-worker',
    }),
    sweepStore: openSweepStore({
      ...database,
      queueTimeoutMs: takenMaxMs.worker,
      max: connections.sweep,
      applicationName: 'rekey-sweep',
    }),
  };
}
