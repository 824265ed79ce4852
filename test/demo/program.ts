import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunningProcess, startProcess } from '@rekey/stack';
import type { Owner } from '../harness/cleanup.ts';
import { forTests } from '../harness/process.ts';

export interface Program extends RunningProcess {
  /** What it has left in its temporary folder. */
  leftovers(): Promise<string[]>;
}

/** `npm run demo` or `npm start`, as a process of its own with a temporary folder of its own. */
export async function startProgram(
  name: 'demo' | 'start',
  env: Record<string, string>,
  owner: Owner,
): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
  const program = startProcess({
    name,
    entry: fileURLToPath(new URL(`../../apps/demo/src/${name}.ts`, import.meta.url)),
    env: { TMPDIR: folder, ...forTests, ...env },
    readyWithinMs: 120_000, // beside other tests; how long it takes is no matter here
    readyLine: name === 'start' ? /^ready http/ : ' ',
  });
  owner.after(async () => {
    await program.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return { ...program, leftovers: () => readdir(folder) };
}
