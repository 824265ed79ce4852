import { type EndedHolder, endHolders, findHeldCompromised } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Logger } from '@rekey/runtime';

/** What cannot be ended is said again so often. */
const remindsEveryMs = 60_000;

/**
 * Ends the transactions that still hold a compromised DEK when the installation's patience with them is over, each by its name
 * in the log. Prepared ones are only named, since nobody but a person can say what is to become of them.
 */
export function createEndCompromised({
  store,
  waitingStore,
  logger,
}: {
  readonly store: Store;
  /** For the session that waits for them. */
  readonly waitingStore: Store;
  readonly logger: Logger;
}): () => Promise<void> {
  const toldMs = new Map<string, number>();
  let isAtWork = false;
  return async () => {
    if (isAtWork) return;
    const held = await findHeldCompromised(store);
    if (held.length === 0) toldMs.clear();
    const due = held.filter(({ patienceMs }) => patienceMs <= 0);
    if (due.length === 0) return;
    // Not waited for: the drains of others go on.
    isAtWork = true;
    void end(due).finally(() => {
      isAtWork = false;
    });
  };

  async function end(due: Awaited<ReturnType<typeof findHeldCompromised>>): Promise<void> {
    for (const { dekId, tenantId, rotationId } of due) {
      const about = { tenantId, keyId: `dek-${dekId}`, ...(rotationId === null ? {} : { rotationId }) };
      const holders = await endHolders(waitingStore, dekId, store).catch((error: unknown): EndedHolder[] => {
        logger.debug('a look at who holds a compromised DEK failed', { ...about, error });
        return [];
      });
      for (const holder of holders) {
        const name = `${holder.pid ?? `prepared ${holder.gid}`} ${holder.applicationName ?? ''} of ${holder.role}`;
        if (holder.ended) {
          logger.warn('a session that held a compromised DEK was ended', { ...about, holders: name });
          continue;
        }
        if (performance.now() - (toldMs.get(name) ?? Number.NEGATIVE_INFINITY) < remindsEveryMs) continue;
        toldMs.set(name, performance.now());
        logger.error(
          holder.pid === null
            ? 'a prepared transaction holds a compromised DEK: commit it or roll it back by hand'
            : 'a session holds a compromised DEK and may not be ended: the owner of the schema needs pg_signal_backend',
          { ...about, holders: name },
        );
      }
    }
  }
}
