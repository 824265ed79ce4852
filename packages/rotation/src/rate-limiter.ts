import { setTimeout as sleep } from 'node:timers/promises';
import { heartbeatWhileWaitingMs } from '@rekey/times';

/** Holds re-encryption back to so many records per second, over all rotations of this process together. */
export interface RateLimiter {
  /** Records that a batch may hold: a tenth of a second's worth. */
  readonly batchItemsMax: number;
  /**
   * Resolves when that many records may be written, at once when the signal comes. With many ranges at work that takes
   * long: `whileWaiting` is called every two seconds, and with its first false this resolves to false.
   */
  acquire(items: number, signal: AbortSignal, whileWaiting: () => Promise<boolean>): Promise<boolean>;
}

const batchMs = 100;

/** Fewer would make batches of a handful of records, each with a commit of its own. */
export const itemsPerSecondMin = 100;

export function createRateLimiter(itemsPerSecond: number): RateLimiter {
  let freeAtMs = 0;
  return {
    batchItemsMax: Math.max(1, Math.floor((itemsPerSecond * batchMs) / 1_000)),
    async acquire(items, signal, whileWaiting) {
      const takesMs = (items * 1_000) / itemsPerSecond;
      // What was not used is gone: a pause is not made up for by a burst.
      const atMs = Math.max(performance.now(), freeAtMs);
      freeAtMs = atMs + takesMs;
      for (;;) {
        const leftMs = atMs - performance.now();
        if (leftMs <= 0) return true;
        await sleep(Math.min(leftMs, heartbeatWhileWaitingMs), undefined, { signal }).catch(() => {});
        if (signal.aborted) {
          freeAtMs -= takesMs; // nobody is to wait for what is not written
          return true;
        }
        if (leftMs > heartbeatWhileWaitingMs && !(await whileWaiting())) {
          freeAtMs -= takesMs;
          return false;
        }
      }
    },
  };
}
