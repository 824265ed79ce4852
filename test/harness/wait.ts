import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Asks again and again until the answer is neither false, null nor undefined, and returns it. What is waited for without
 * a `timeoutMs` is a step on the way and no promise of ours: it has as long as the slowest machine may take for it.
 *
 * @throws after `timeoutMs`, naming `what` was waited for and the last answer or error
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: { timeoutMs?: number; everyMs?: number; what: string },
): Promise<Exclude<T, false | null | undefined>> {
  const { timeoutMs = 60_000, everyMs = 20, what } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    let last: unknown;
    try {
      const answer = await condition();
      if (isThere(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= deadline)
      throw new Error(`Waited ${timeoutMs} ms in vain for: ${what}. Last: ${String(last)}`, { cause: last });
    await sleep(everyMs);
  }
}

function isThere<T>(answer: T): answer is Exclude<T, false | null | undefined> {
  return answer !== false && answer !== null && answer !== undefined;
}
