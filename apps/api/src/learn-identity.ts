import { StoreError } from '@rekey/db';
import type { Identity } from '@rekey/jobs';
import type { Logger } from '@rekey/runtime';

const everyMs = 1_000;
const againMs = 60_000;

/**
 * Asks Postgres once a second which installation this is, until it has told. Meanwhile Redis is not used. That a right is
 * missing for it is said each minute; that Postgres is away others say.
 */
export function learnIdentity(identity: Identity, logger: Logger): { close(): void } {
  let saidAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const ask = async (): Promise<void> => {
    try {
      await identity.get();
      return;
    } catch (error) {
      const away = error instanceof StoreError && error.code === 'UNAVAILABLE';
      if (!away && performance.now() - saidAt >= againMs) {
        saidAt = performance.now();
        logger.warn('Redis is not used: rekey.snapshot_key() cannot be called', { error });
      }
    }
    if (!closed) timer = setTimeout(() => void ask(), everyMs).unref();
  };
  void ask();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
