import { setTimeout as sleep } from 'node:timers/promises';
import { isTransient } from './kms-error.ts';

const attemptsMax = 3;
const pauseMs = { first: 100, factor: 4 } as const;

/**
 * Tries again what may succeed later, at most twice, after pauses of random length, so that many who failed together do
 * not come back together. What lasts longer is for the caller, who has more patience.
 *
 * @param work throws `KmsError`
 */
export async function withRetries<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt >= attemptsMax || !isTransient(error)) throw error;
      await sleep(Math.random() * pauseMs.first * pauseMs.factor ** (attempt - 1));
    }
  }
}

/** An attempt that takes longer is given up, and fails as what did not answer in time. */
export async function inTime<Answer>(
  ms: number,
  work: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const signal = AbortSignal.timeout(ms);
  // Not all that an SDK does before it sends can be aborted.
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work(signal), late]);
}
