/**
 * The keeper: a small process of its own between us and a server. It is the server's parent and the owner of
 * its run folder, and it holds the other end of an IPC channel from us. When that channel closes, because we
 * closed it or because we were killed -9, it stops its child, removes the folder and exits. One way out for
 * every way to die, and no pid that could meanwhile belong to someone else.
 *
 * Arguments: the run folder's prefix and its mode (octal); none: no folder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command, Order, Report, StopStep } from './keeper-protocol.ts';

const [folderPrefix, folderMode] = process.argv.slice(2);

let child: ChildProcess | undefined;
let childGone: Promise<void> = Promise.resolve();
let stopWith: StopStep[] = [];
let closing = false;

// Only our parent's end decides: not Ctrl-C, not a hang-up of the terminal, not a signal to a whole group.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
// The parsed edge: a private channel whose other end is keeper.ts.
process.on('message', (message) => obey(message as Order));
process.on('disconnect', () => void close(stopWith));

const folder = makeFolder();
if (!process.connected) void close(stopWith);

function makeFolder(): string | undefined {
  if (folderPrefix === undefined || folderMode === undefined) return undefined;
  const made = mkdtempSync(folderPrefix);
  chmodSync(made, Number.parseInt(folderMode, 8));
  report({ report: 'folder', folder: made });
  return made;
}

function obey(message: Order): void {
  if (message.order === 'kill') child?.kill(message.signal);
  else if (message.order === 'close') void close(message.stopWith ?? stopWith);
  else if (!closing) run(message.command);
}

function run(command: Command): void {
  stopWith = command.stopWith;
  try {
    const output = command.logFile === undefined ? 'inherit' : openSync(command.logFile, 'a', 0o600);
    const started = spawn(command.file, command.args, {
      ...(command.cwd !== undefined && { cwd: command.cwd }),
      ...(command.env !== undefined && { env: command.env }),
      ...command.user,
      detached: true, // a process group of its own, so that the last step reaches its children too
      stdio: ['ignore', output, output],
    });
    if (typeof output === 'number') closeSync(output);
    watch(started);
  } catch (error) {
    report({ report: 'failed', message: String(error) });
  }
}

function watch(started: ChildProcess): void {
  // At once, not at its `spawn` event: a signal that is ordered in between would reach nobody.
  if (started.pid !== undefined) child = started;
  childGone = new Promise((resolve) => {
    started.once('spawn', () => {
      if (started.pid !== undefined) report({ report: 'started', pid: started.pid });
    });
    started.once('error', (error) => {
      if (child === started) return;
      report({ report: 'failed', message: error.message });
      resolve();
    });
    started.once('exit', (code, signal) => {
      killGroup(started);
      child = undefined;
      report({ report: 'exited', exit: { code, signal } });
      resolve();
    });
  });
}

async function close(steps: StopStep[]): Promise<void> {
  if (closing) return;
  closing = true;
  for (const { signal, waitMs } of steps) {
    if (child === undefined) break;
    child.kill(signal);
    await Promise.race([childGone, sleep(waitMs)]);
  }
  if (child !== undefined) killGroup(child);
  await childGone;
  await removeFolder();
  process.exit(0);
}

function killGroup(leader: ChildProcess): void {
  if (leader.pid === undefined) return;
  try {
    process.kill(-leader.pid, 'SIGKILL');
  } catch {
    // ESRCH: the group is empty, which is what we want.
  }
}

/** Tries for a while: a killed server's own children may still be writing while they notice. */
async function removeFolder(): Promise<void> {
  if (folder === undefined) return;
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch {
      await sleep(100);
    }
  }
}

function report(message: Report): void {
  // A parent that died meanwhile needs no report.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}
