import { setTimeout as sleep } from 'node:timers/promises';
import type { Processes } from './processes.ts';

/** How soon after a call that failed we hear that the process is gone. */
const newsMs = 300;

/**
 * Does `work` under a signal that is also aborted when a process ends by itself, and then throws that: a worker or an
 * API that is gone says more than the call which failed by it.
 */
export async function whileRunning<T>(
  processes: Pick<Processes, 'ended'>,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = new AbortController();
  processes.ended.catch((reason) => gone.abort(reason));
  try {
    return await work(AbortSignal.any([signal, gone.signal]));
  } catch (error) {
    await Promise.race([processes.ended, sleep(newsMs)]);
    throw error;
  }
}
