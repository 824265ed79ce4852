import { url as inspectorUrl } from 'node:inspector';
import type { Logger } from './logger.ts';

/**
 * What a process that serves does from the moment it can speak. An error that nobody caught is one line of the log, in
 * which no foreign message stands, and the end with status 1. And SIGUSR1 does not open Node's inspector, which would
 * hand every key to whoever may send that signal or reaches its port: `--disable-sigusr1` does the same from the
 * first moment on, this also where somebody left that out.
 */
export function guardProcess(logger: Logger): void {
  let dying = false;
  process.on('uncaughtException', (error, origin) => {
    if (dying) return;
    dying = true;
    try {
      logger.fatal(origin === 'unhandledRejection' ? 'unhandled rejection' : 'uncaught exception', { error });
    } finally {
      process.exit(1);
    }
  });
  process.on('SIGUSR1', () => logger.warn('SIGUSR1 was ignored: it opens no inspector here'));
  if (inspectorUrl() !== undefined)
    logger.warn('the inspector is open: whoever reaches its port can read every key of this process');
}

/** Npm passes on SIGINT and SIGTERM; when it dies of anything else, nobody is left who would stop what it started. */
const lookEveryMs = 1_000;

/** Calls `act` once when the process that started this one is gone. */
export function onOrphaned(act: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    act();
  }, lookEveryMs);
  timer.unref();
}
