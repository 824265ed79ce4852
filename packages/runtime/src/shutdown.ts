import { constants } from 'node:os';
import type { Logger } from './logger.ts';

/** One thing to close, under the name that the log calls it by. */
export interface Closer {
  readonly name: string;
  readonly close: () => Promise<unknown> | unknown;
}

export interface ShutdownOptions {
  readonly logger: Logger;
  /** Closed one after the other, in this order; one that fails does not keep the next from closing. */
  readonly closers: readonly Closer[];
  /** After this the process exits with status 1, whatever is still open. */
  readonly deadlineMs: number;
}

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
type Signal = (typeof signals)[number];

/**
 * npm passes on what it gets, and a terminal's Ctrl-C or a supervisor's signal to a whole group has reached us already:
 * that echo is no second wish.
 */
const echoMs = 500;

/**
 * On the first SIGTERM, SIGINT or SIGHUP closes everything and exits with status 0; with 1 when a closer failed or the
 * deadline passed. A second signal exits at once with 128 + its number. Returns a function that does the same as
 * the first signal.
 */
export function closeOnSignal({ logger, closers, deadlineMs }: ShutdownOptions): () => Promise<void> {
  let closing: Promise<void> | undefined;
  let firstAt = 0;

  const close = async (): Promise<void> => {
    setTimeout(() => {
      logger.error('closing took too long');
      process.exit(1);
    }, deadlineMs).unref();
    let failed = false;
    for (const closer of closers) {
      try {
        await closer.close();
      } catch (error) {
        failed = true;
        logger.error('could not close', { step: closer.name, error });
      }
    }
    logger.info('closed');
    process.exit(failed ? 1 : 0);
  };

  const onSignal = (signal: Signal): void => {
    if (closing !== undefined) {
      if (performance.now() - firstAt > echoMs) process.exit(128 + constants.signals[signal]);
      return;
    }
    firstAt = performance.now();
    logger.info('closing', { signal });
    closing = close();
  };
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    closing ??= close();
    return closing;
  };
}
