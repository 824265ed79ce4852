import { constants } from 'node:os';
import { StackError } from './errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm passes on a Ctrl-C which the terminal has already sent us: that echo is no second wish. */
const ECHO_MS = 500;

/**
 * The frame of a program that has servers to stop: runs `main`, then exits with the code it returns.
 *
 * The first SIGINT, SIGTERM or SIGHUP aborts the signal, and `main` is expected to clean up and return (or to
 * throw the signal's reason, which gives the customary 128 + n). A second one exits at once: the keepers stop what
 * is left. What `main` throws is printed to stderr and gives 1.
 */
export async function runUntilDone(main: (signal: AbortSignal) => Promise<number>): Promise<never> {
  const abort = new AbortController();
  let firstAt = 0;
  let codeOfSignal = 0;
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (!abort.signal.aborted) {
        firstAt = Date.now();
        codeOfSignal = 128 + constants.signals[name];
        abort.abort(new Error(`stopped by ${name}`));
      } else if (Date.now() - firstAt > ECHO_MS) {
        process.exit(codeOfSignal);
      }
    });
  }
  try {
    process.exit(await main(abort.signal));
  } catch (error) {
    if (abort.signal.aborted && error === abort.signal.reason) process.exit(codeOfSignal);
    process.stderr.write(`${describe(error)}\n`);
    process.exit(1);
  }
}

function describe(error: unknown): string {
  if (error instanceof StackError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
