import { ClientError } from './client-error.ts';

export interface RetryPolicy {
  /** The first one included; 1: never again. */
  readonly attempts: number;
  /** A wait that would end later than this after the first attempt is not begun. */
  readonly withinMs: number;
}

export const patient: RetryPolicy = { attempts: 6, withinMs: 30_000 };

const firstPauseMs = 100;
const pauseMaxMs = 5_000;

/** Attempts a call again where that can help and do no harm, and no sooner than the API asks. */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { attempts, withinMs }: RetryPolicy,
  repeatable: boolean,
  signal: AbortSignal | undefined,
): Promise<T> {
  const begun = performance.now();
  for (let made = 1; ; made += 1) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      if (made >= attempts || !(error instanceof ClientError) || !mayComeAgain(error, repeatable))
        throw error;
      const waitMs = Math.max(backOffMs(made), (error.retryAfterSeconds ?? 0) * 1_000);
      if (performance.now() - begun + waitMs > withinMs) throw error;
      await pause(waitMs, signal);
    }
  }
}

/** A limit refuses before anything is done. Behind the others the first attempt may have done its work. */
function mayComeAgain({ code, status }: ClientError, repeatable: boolean): boolean {
  if (status === 429) return true;
  return repeatable && (code === 'NO_ANSWER' || status === 502 || status === 503 || status === 504);
}

/** Doubles, and is shaken, so that clients which were refused together do not come back together. */
function backOffMs(made: number): number {
  return Math.min(pauseMaxMs, firstPauseMs * 2 ** (made - 1)) * (0.5 + Math.random() / 2);
}

/** The longest that timers know: one that is set to more ends at once. */
export const timerMaxMs = 2 ** 31 - 1;

/** Throws what the signal says as soon as it is aborted. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const aborted = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      },
      Math.min(ms, timerMaxMs),
    );
    signal?.addEventListener('abort', aborted, { once: true });
  });
}
