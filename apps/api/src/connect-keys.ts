import { listProcesses } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Keys } from './dependencies.ts';

/** What is read of keys and of the processes that hold them, bound to one pool. */
export function connectKeys(store: Store): Keys {
  return {
    processes: (filter, page) => listProcesses(store, filter, page),
  };
}
