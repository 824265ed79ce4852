import { setTimeout as sleep } from 'node:timers/promises';

/** Counts calls of KMSs and holds them back to so many per second. */
export interface CallRate {
  /** Waits for its turn, calls, and counts, whatever comes of it. Throws the signal's reason instead once that has come. */
  call<Answer>(work: () => Promise<Answer>): Promise<Answer>;
  /** Calls that nobody was told of yet. */
  readonly untold: number;
  told(calls: number): void;
}

export function createCallRate(perSecond: number, signal: AbortSignal): CallRate {
  let freeAtMs = 0;
  let untold = 0;
  return {
    async call(work) {
      // What was not used is gone: a pause is not made up for by a burst.
      const atMs = Math.max(performance.now(), freeAtMs);
      freeAtMs = atMs + 1_000 / perSecond;
      const leftMs = atMs - performance.now();
      if (leftMs > 0) await sleep(leftMs, undefined, { signal }).catch(() => {});
      signal.throwIfAborted();
      untold += 1;
      return work();
    },
    get untold() {
      return untold;
    },
    told(calls) {
      untold -= calls;
    },
  };
}
