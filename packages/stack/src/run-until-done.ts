import { constants } from 'node:os';
import { StackError } from './errors.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** npm passes on a Ctrl-C which the terminal has already sent us: that echo is no second wish. */
const ECHO_MS = 500;
/** When npm dies of what it does not pass on, nobody is left to stop us. */
const LOOK_FOR_PARENT_EVERY_MS = 1_000;

/**
 * The frame of a program that has servers to stop: runs `main`, then exits with the code it returns.
 *
 * The first SIGINT, SIGTERM or SIGHUP aborts the signal, and `main` is expected to clean up and return (or to
 * throw the signal's reason, which gives the customary 128 + n). A second one exits at once: the keepers stop what
 * is left. `withParent`: the end of the process that started this one counts as a SIGTERM. What `main` throws is printed to stderr and gives 1.
 */
export async function runUntilDone(
  main: (signal: AbortSignal) => Promise<number>,
  { withParent = false }: { readonly withParent?: boolean } = {},
): Promise<never> {
  const abort = new AbortController();
  let firstAt = 0;
  let codeOfSignal = 0;
  const stop = (name: NodeJS.Signals): void => {
    firstAt = Date.now();
    codeOfSignal = 128 + constants.signals[name];
    abort.abort(new Error(`stopped by ${name}`));
  };
  const parent = process.ppid;
  const lookForParent = (): void => {
    if (process.ppid !== parent && !abort.signal.aborted) stop('SIGTERM');
  };
  if (withParent) setInterval(lookForParent, LOOK_FOR_PARENT_EVERY_MS).unref();
  for (const name of SIGNALS) {
    process.on(name, () => {
      if (!abort.signal.aborted) {
        stop(name);
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
