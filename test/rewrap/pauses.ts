import type { Owner } from '../harness/cleanup.ts';

/** A turn of the clock below; what it takes beyond, this process was stopped, or the machine was asleep. */
const turnMs = 100;
const pauseMs = 2_000;

/**
 * Does a piece of work again that failed while this process stood still for seconds: time-outs fire first when it goes on, and say
 * nothing of whom they waited for.
 */
export function watchPauses(owner: Owner): <Value>(work: () => Promise<Value>) => Promise<Value> {
  let lastMs = performance.now();
  let pauses = 0;
  const look = (): void => {
    const nowMs = performance.now();
    if (nowMs - lastMs > turnMs + pauseMs) pauses += 1;
    lastMs = nowMs;
  };
  const timer = setInterval(look, turnMs);
  owner.after(async () => clearInterval(timer));
  return async (work) => {
    for (;;) {
      const before = pauses;
      try {
        return await work();
      } catch (error) {
        look();
        if (pauses === before) throw error;
      }
    }
  };
}
