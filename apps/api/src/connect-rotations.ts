import { findCertificate, findSnapshot, listFailures, listRotations, listSigningKeys } from '@rekey/control';
import type { Store } from '@rekey/db';
import { checkApiWork, checkSchema } from '@rekey/schema';
import type { Rotations } from './dependencies.ts';

/** What is read, bound to one pool. */
export function connectRotations(store: Store): Rotations {
  return {
    find: (rotationId) => findSnapshot(store, rotationId),
    list: (filter, page) => listRotations(store, filter, page),
    failures: (rotationId, page) => listFailures(store, rotationId, page),
    certificate: (rotationId) => findCertificate(store, rotationId),
    signingKeys: () => listSigningKeys(store),
    checkSchema: () => checkSchema(store),
    checkWork: () => checkApiWork(store),
  };
}
