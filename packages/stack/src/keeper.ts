import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { StackError } from './errors.ts';
import type { Command, Exit, Order, Report, StopStep } from './keeper-protocol.ts';

const KEEPER_MAIN = fileURLToPath(new URL('./keeper-main.ts', import.meta.url));

type KeptChild = {
  /** Its process id; rejects when it could not be started. */
  pid: Promise<number>;
  /** Never rejects. */
  exited: Promise<Exit>;
};

export type Keeper = {
  /** The run folder; rejects when none was asked for or it could not be made. */
  folder: Promise<string>;
  /** What the keeper's children write, when `output` is `pipe`. */
  stdout: Readable | null;
  stderr: Readable | null;
  /** Starts a child. One at a time: the next only after the last one's `exited`. */
  run(command: Command): KeptChild;
  /** Sends the running child a signal; does nothing when there is none. */
  kill(signal: NodeJS.Signals): void;
  /** Stops the child, removes the folder; resolves when nothing is left and all output has been read. */
  close(stopWith?: StopStep[]): Promise<void>;
};

/** Starts a keeper (see keeper-main.ts): what runs under it does not outlive us, however we die. */
export function startKeeper(options: {
  folder?: { prefix: string; mode: number };
  output: 'ignore' | 'pipe' | 'inherit';
}): Keeper {
  const { folder: wanted, output } = options;
  const keeper = spawn(
    process.execPath,
    [KEEPER_MAIN, ...(wanted === undefined ? [] : [wanted.prefix, wanted.mode.toString(8)])],
    { detached: true, stdio: ['ignore', output, output, 'ipc'] },
  );

  const folder = settleLater<string>();
  let pid = settleLater<number>();
  let exited = settleLater<Exit>();
  const closed = new Promise<void>((resolve) => keeper.once('close', () => resolve()));

  // The parsed edge: a private channel whose other end is keeper-main.ts.
  keeper.on('message', (message) => hear(message as Report));
  keeper.once('error', (error) => giveUp(`The keeper could not be started: ${error.message}`));
  keeper.once('exit', () => giveUp('The keeper has ended.'));

  function hear(message: Report): void {
    if (message.report === 'folder') folder.resolve(message.folder);
    else if (message.report === 'started') pid.resolve(message.pid);
    else if (message.report === 'exited') exited.resolve(message.exit);
    else fail(message.message);
  }

  function fail(message: string): void {
    pid.reject(new StackError('KEEPER_FAILED', message));
    exited.resolve({ code: null, signal: null });
  }

  function giveUp(message: string): void {
    folder.reject(new StackError('KEEPER_FAILED', message));
    fail(message);
  }

  function send(order: Order): void {
    // Once the keeper is gone there is no child left to give orders about.
    if (keeper.connected) keeper.send(order, () => {});
  }

  return {
    folder: folder.promise,
    stdout: keeper.stdout,
    stderr: keeper.stderr,
    run(command) {
      pid = settleLater();
      exited = settleLater();
      if (keeper.connected) send({ order: 'run', command });
      else fail('The keeper has ended.');
      return { pid: pid.promise, exited: exited.promise };
    },
    kill: (signal) => send({ order: 'kill', signal }),
    close(stopWith) {
      send({ order: 'close', stopWith });
      return closed;
    },
  };
}

/** A promise with its handles, which may be rejected without anyone listening. */
function settleLater<T>(): PromiseWithResolvers<T> {
  const later = Promise.withResolvers<T>();
  later.promise.catch(() => {});
  return later;
}
