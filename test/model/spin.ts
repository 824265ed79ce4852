import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODEL = fileURLToPath(new URL('./switch.pml', import.meta.url));
const MEGABYTES = 1_000;
const TIMEOUT_MS = 180_000;

/** Values of the model's macros; null: defined, without a value. */
export type Macros = Record<string, number | null>;

export type Verdict = {
  /** What was violated; null: nothing, in all states there are. */
  violated: string | null;
  states: number;
  /** Spin's own words, and with a violation the steps that lead to it. */
  report: string;
};

/**
 * Goes through all states of the model. With `progress` for the model's property of progress, under weak fairness; else for
 * assertions and deadlocks. `all`: there are many states to go through, which is worth a compiler that takes its time.
 *
 * @throws when the search was not complete: out of memory or time
 */
export async function check(
  spin: string,
  macros: Macros,
  { progress, all }: { progress: boolean; all: boolean },
): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-model-'));
  try {
    await copyFile(MODEL, join(folder, 'switch.pml'));
    const defined = Object.entries(macros).map(([name, value]) =>
      value === null ? `-D${name}` : `-D${name}=${value}`,
    );
    await run(folder, spin, ['-a', ...defined, 'switch.pml']);
    const kind = progress ? ['-DNFAIR=4'] : ['-DSAFETY'];
    await run(folder, 'cc', [
      all ? '-O2' : '-O0',
      '-w',
      '-DCOLLAPSE',
      `-DMEMLIM=${MEGABYTES}`,
      ...kind,
      '-o',
      'pan',
      'pan.c',
    ]);
    const search = await run(folder, join(folder, 'pan'), [
      '-m200000',
      '-n',
      ...(progress ? ['-a', '-f'] : []),
    ]);

    const [, errors] = /errors: (\d+)/.exec(search) ?? [];
    const violated = /^pan:1: (.+?) *\(at depth/m.exec(search)?.[1] ?? null;
    const states = Number(/(\d+) states, stored/.exec(search)?.[1] ?? 0);
    if (errors === '0' && violated === null && !/not completed|too small|out of memory/.test(search))
      return { violated, states, report: search };
    if (violated === null || errors === '0') throw new Error(`The search was not complete:\n${search}`);
    const steps = await run(folder, spin, ['-t', '-p', ...defined, 'switch.pml']);
    return { violated, states, report: `${search}\n${steps.split('\n').slice(-120).join('\n')}` };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The output. Spin's programs tell by it, not by their status, how it went. */
function run(cwd: string, file: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, timeout: TIMEOUT_MS, maxBuffer: 64_000_000 };
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error?.killed || error?.code === 'ENOENT' || error?.code === 'EACCES') reject(error);
      else resolve(`${stdout}${stderr}`);
    });
  });
}
