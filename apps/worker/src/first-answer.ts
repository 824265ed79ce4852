import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '@rekey/db';

const everyMs = 500;

/**
 * Asks until there is an answer; null when told to stop. Throws what Postgres says when waiting cannot help: a right or a
 * function that is missing.
 */
export async function firstAnswer<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
  while (!signal.aborted) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof StoreError && error.code !== 'UNAVAILABLE') throw error;
      await sleep(everyMs, undefined, { signal }).catch(() => {});
    }
  }
  return null;
}
