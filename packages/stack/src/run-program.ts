import { startKeeper } from './keeper.ts';
import type { Exit } from './keeper-protocol.ts';

const STOP_WITHIN_MS = 5_000;

/**
 * Runs a program that writes where we write, until it ends; an abort stops it (SIGTERM, then SIGKILL), and it does
 * not outlive us. A Ctrl-C reaches only us. `env` is its whole environment.
 */
export async function runProgram(options: {
  file: string;
  args: string[];
  env: Record<string, string>;
  signal: AbortSignal;
}): Promise<Exit> {
  const { signal, ...command } = options;
  signal.throwIfAborted();
  const keeper = startKeeper({ output: 'inherit' });
  const child = keeper.run({ ...command, stopWith: [{ signal: 'SIGTERM', waitMs: STOP_WITHIN_MS }] });
  const onAbort = () => void keeper.close();
  signal.addEventListener('abort', onAbort);
  try {
    await child.pid;
    return await child.exited;
  } finally {
    signal.removeEventListener('abort', onAbort);
    await keeper.close();
  }
}
