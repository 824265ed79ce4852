import { destroyKey, dueDestructions, vacuumMaterial } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Logger } from '@rekey/runtime';

/** Tried in one round; each condition is looked at for each of them. */
const atOnce = 5;

/**
 * Destroys the DEKs whose grace period is over, each in a transaction of its own, which looks at every condition again. One for
 * which something does not hold is left, and tried again.
 */
export function createDestroyDue({
  store,
  logger,
}: {
  readonly store: Store;
  readonly logger: Logger;
}): () => Promise<void> {
  return async () => {
    let destroyed = 0;
    for (const id of await dueDestructions(store, atOnce)) {
      const keyId = `dek-${id}`;
      if (!(await destroyKey(store, id))) {
        logger.warn('a key is due to be destroyed, and a condition does not hold', { keyId });
        continue;
      }
      destroyed += 1;
      logger.info('key destroyed', { keyId });
    }
    if (destroyed > 0) await vacuumMaterial(store);
  };
}
