import { setTimeout as sleep } from 'node:timers/promises';

/** Holds re-encryption back to so many records per second, over all rotations of this process together. */
export interface Pace {
  /** Records that a batch may hold: none is to wait so long for its turn that its range's lease is at stake. */
  readonly batchItemsMax: number;
  /** Resolves when that many records may be written; at once when the signal comes. */
  turn(items: number, signal: AbortSignal): Promise<void>;
}

/** With 64 ranges at once, the most that a worker takes, the last one waits 6.4 s: less than a lease lasts. */
const batchMs = 100;

/** Fewer would make batches of a handful of records, each with a commit of its own. */
export const itemsPerSecondMin = 100;

export function createPace(itemsPerSecond: number): Pace {
  let freeAtMs = 0;
  return {
    batchItemsMax: Math.max(1, Math.floor((itemsPerSecond * batchMs) / 1_000)),
    async turn(items, signal) {
      const nowMs = performance.now();
      const atMs = Math.max(nowMs, freeAtMs);
      // What was not used is gone: a pause is not made up for by a burst.
      freeAtMs = atMs + (items * 1_000) / itemsPerSecond;
      if (atMs > nowMs) await sleep(atMs - nowMs, undefined, { signal }).catch(() => {});
    },
  };
}
