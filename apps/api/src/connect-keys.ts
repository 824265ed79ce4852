import {
  countKeyRecords,
  findDestruction,
  findKey,
  listKeyProcesses,
  listKeys,
  listProcesses,
} from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Keys } from './dependencies.ts';

/** What is read of keys and of the processes that hold them, bound to one pool. */
export function connectKeys(store: Store): Keys {
  return {
    list: (filter, page) => listKeys(store, filter, page),
    find: (keyId) => findKey(store, keyId),
    records: (tenantId) => countKeyRecords(store, tenantId),
    processesOf: (keyId, limit) => listKeyProcesses(store, keyId, limit),
    destruction: (keyId) => findDestruction(store, keyId),
    processes: (filter, page) => listProcesses(store, filter, page),
  };
}
