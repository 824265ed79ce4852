import {
  countKeyRecords,
  findCertificate,
  findDestruction,
  findKekChoice,
  findKekCompromise,
  findKekId,
  findKey,
  findLacking,
  findRewrap,
  kekCensus,
  keysFingerprint,
  listKeks,
  listKeyProcesses,
  listKeys,
  listProcesses,
  listRewraps,
  tenantExists,
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
    certificate: (work) => findCertificate(store, work),
    processes: (filter, page) => listProcesses(store, filter, page),
    keks: (tenantId) => listKeks(store, tenantId),
    choice: (tenantId) => findKekChoice(store, tenantId),
    tenantExists: (tenantId) => tenantExists(store, tenantId),
    kekId: (name) => findKekId(store, name),
    census: (tenantId) => kekCensus(store, tenantId),
    fingerprint: (tenantId) => keysFingerprint(store, tenantId),
    lacking: (kekId) => findLacking(store, kekId),
    kekCompromise: (name) => findKekCompromise(store, name),
    rewrap: (rewrapId) => findRewrap(store, rewrapId),
    rewraps: (tenantId, page) => listRewraps(store, tenantId, page),
  };
}
