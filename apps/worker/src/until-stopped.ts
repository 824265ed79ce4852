import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@rekey/runtime';
import { choresEveryMs } from '@rekey/times';

/** A shorter failure is met again by this worker or another, and says nothing. */
const tellAfterMs = 30_000;

/**
 * Does a piece of work about once a second until the signal; never throws. What keeps failing for half a minute is told once, at
 * warn, and so is its end: these pieces have nobody else who would say that they stand still.
 */
export async function untilStopped(
  what: string,
  work: () => Promise<void>,
  { logger, signal, afterMs = tellAfterMs }: { logger: Logger; signal: AbortSignal; afterMs?: number },
): Promise<void> {
  const { least, most } = choresEveryMs;
  let failingSince: number | null = null;
  let isTold = false;
  for (;;) {
    await sleep(least + Math.random() * (most - least), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    try {
      await work();
      if (isTold) logger.info(`${what} goes on`);
      [failingSince, isTold] = [null, false];
    } catch (error) {
      failingSince ??= performance.now();
      if (isTold || performance.now() - failingSince < afterMs) continue;
      logger.warn(`${what} stands still`, { error });
      isTold = true;
    }
  }
}
