import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { StackError } from './errors.ts';
import { startKeeper } from './keeper.ts';
import type { Exit, StopStep } from './keeper-protocol.ts';

/** How many lines of a process {@link RunningProcess.logs} has: enough to see what went wrong, and bounded. */
export const LINES_KEPT = 10_000;
const LINES_SHOWN = 20;
/** One that dies is told at once; one that lives may be on a machine that has much else to do. */
const READY_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 10_000;

export type ProcessOptions = {
  /** For error messages. */
  name: string;
  /** The program: an absolute path to a main.ts. */
  entry: string;
  /** Options of Node itself. */
  flags?: readonly string[];
  /** Its whole environment, but for PATH. */
  env: Record<string, string>;
  /** The first line of stdout or stderr to match makes it ready; absent: ready once it runs. */
  readyLine?: RegExp | string;
  readyWithinMs?: number;
  /** Called with every line as it comes. */
  onLine?: (line: string) => void;
};

export type RunningProcess = {
  name: string;
  /** Rejects when it could not be started. */
  pid: Promise<number>;
  /** The line that matched. Rejects, with its last lines, when it ends before that or takes too long. */
  ready: Promise<string>;
  /** Never rejects; by then `logs` is complete. */
  exited: Promise<Exit>;
  /** SIGTERM, and SIGKILL after the deadline; resolves when it is gone. May be called twice. */
  stop(deadlineMs?: number): Promise<Exit>;
  /** Sends any signal; does nothing to a process that is gone. */
  kill(signal: NodeJS.Signals): void;
  /** The last lines of stdout and stderr. */
  logs(): string;
};

/**
 * How the API is run, here and in production: Node's inspector, which SIGUSR1 opens otherwise, would hand every secret
 * of the process to whoever may send it a signal.
 */
export const apiFlags = ['--disable-sigusr1'] as const;

/**
 * How a worker is run: what it re-encrypts is garbage within milliseconds, and collected as often as with these 4 MB it
 * takes 100 MB less, at the same speed.
 */
export const workerFlags = [...apiFlags, '--max-semi-space-size=4'] as const;

/** Runs one of our own programs as a process of its own, which does not outlive us. */
export function startProcess(options: ProcessOptions): RunningProcess {
  const { name, entry, flags = [], env, readyLine, readyWithinMs = READY_WITHIN_MS, onLine } = options;
  const lines: string[] = [];
  const ready = Promise.withResolvers<string>();
  ready.promise.catch(() => {}); // not everyone waits for it

  const keeper = startKeeper({ output: 'pipe' });
  for (const stream of [keeper.stdout, keeper.stderr]) if (stream !== null) readLines(stream, hear);
  const child = keeper.run({
    file: process.execPath,
    args: [...flags, entry],
    env: { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`, ...env },
    stopWith: stopSteps(STOP_WITHIN_MS),
  });

  function hear(line: string): void {
    lines.push(line);
    if (lines.length > LINES_KEPT) lines.shift();
    if (readyLine !== undefined && matches(line, readyLine)) ready.resolve(line);
    onLine?.(line);
  }

  function notReady(code: 'PROCESS_EXITED' | 'PROCESS_NOT_READY', what: string): void {
    const shown = lines.slice(-LINES_SHOWN).join('\n');
    const said = shown === '' ? 'It has said nothing.' : `Its last lines:\n${shown}`;
    ready.reject(new StackError(code, `${name} ${what}. ${said}`));
  }

  const timer = setTimeout(
    () => notReady('PROCESS_NOT_READY', `was not ready within ${readyWithinMs} ms`),
    readyWithinMs,
  );
  ready.promise.catch(() => {}).finally(() => clearTimeout(timer));
  if (readyLine === undefined) child.pid.then((pid) => ready.resolve(`pid ${pid}`), ready.reject);

  const exited = child.exited.then(async (exit) => {
    await keeper.close(); // when its streams have ended we have heard every line
    notReady('PROCESS_EXITED', `ended before it was ready (${exit.signal ?? `code ${exit.code}`})`);
    return exit;
  });

  return {
    name,
    pid: child.pid,
    ready: ready.promise,
    exited,
    async stop(deadlineMs = STOP_WITHIN_MS) {
      await keeper.close(stopSteps(deadlineMs));
      return exited;
    },
    kill: (signal) => keeper.kill(signal),
    logs: () => lines.join('\n'),
  };
}

function stopSteps(waitMs: number): StopStep[] {
  return [{ signal: 'SIGTERM', waitMs }];
}

function matches(line: string, wanted: RegExp | string): boolean {
  return typeof wanted === 'string' ? line.includes(wanted) : line.search(wanted) !== -1;
}

function readLines(stream: Readable, hear: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', hear);
}
