/**
 * `node test/chaos/mutations/main.ts [--minutes N] [--seed S] [--only name]`: copies the program, switches one
 * safeguard off in the copy, lets the harness or a file of tests run there, and says which checks noticed. Exits with 1 when one did not.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { runProgram, runUntilDone } from '@rekey/stack';
import { type Mutation, mutations } from './mutations.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Checks that measure how long something took. */
const timed = new Set(['availability', 'readiness', 'shutdown']);
const copied = ['apps', 'packages', 'test', 'package.json', 'tsconfig.json'];

await runUntilDone(async (signal) => {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '0.5' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
    },
  });
  let missed = 0;
  const table = ['| switched off | noticed by |', '|---|---|'];
  for (const mutation of mutations) {
    if (values.only !== undefined && values.only !== mutation.name) continue;
    signal.throwIfAborted();
    const checks = await tryOut(mutation, values.minutes, values.seed, signal);
    // A machine that others use makes answers late, whatever the code is.
    const noticed = checks.filter((check) => !timed.has(check));
    if (noticed.length === 0) missed += 1;
    table.push(`| ${mutation.name} | ${noticed.join(', ') || '**nothing**'} |`);
    process.stdout.write(`${table.at(-1)}\n`);
  }
  process.stdout.write(`${table.join('\n')}\n`);
  return missed === 0 ? 0 : 1;
});

async function tryOut(
  mutation: Mutation,
  minutes: string,
  seed: string,
  signal: AbortSignal,
): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-mutant-'));
  try {
    const copy = join(folder, 'copy');
    await copyProgram(copy);
    for (const { file, from, to } of mutation.changes) {
      const text = await readFile(join(copy, file), 'utf8');
      if (text.split(from).length !== 2) throw new Error(`${mutation.name}: ${file} has changed`);
      await writeFile(
        join(copy, file),
        text.replace(from, () => to),
      );
    }
    const noticed = mutation.test === undefined ? [] : await failingTests(copy, mutation.test, signal);
    if (mutation.faults.length === 0) return noticed;
    const main = join(copy, 'test/chaos/main.ts');
    const out = join(folder, 'run');
    const given = [
      '--minutes',
      minutes,
      '--seed',
      seed,
      '--folder',
      out,
      '--only',
      mutation.faults.join(),
      '--adversary',
      '0',
    ];
    await runProgram({
      file: process.execPath,
      args: [main, ...given],
      env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
      signal,
    });
    const report = await readFile(join(out, 'report.md'), 'utf8');
    const checks = [...report.matchAll(/^- ([^:]+): /gm)].map(([, check = '']) => check);
    return [...noticed, ...new Set(checks)].sort();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The names of the tests that fail in the copy. */
async function failingTests(copy: string, file: string, signal: AbortSignal): Promise<string[]> {
  const { PATH, HOME } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [join(copy, 'test/run.ts'), file], {
    cwd: copy,
    env: { PATH: `${dirname(process.execPath)}:${PATH}`, ...(HOME === undefined ? {} : { HOME }) },
    maxBuffer: 2 ** 26,
    signal,
  }).catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }));
  signal.throwIfAborted();
  const failed = [...stdout.matchAll(/^✖ (.+?) \([\d.]+ms\)$/gm)].map(([, name = '']) => name);
  return [...new Set(failed)].map((name) => `the test '${name}'`);
}

/** With node_modules of its own, in which our packages are the copy's and everything else is the original's. */
async function copyProgram(to: string): Promise<void> {
  await mkdir(join(to, 'node_modules/@rekey'), { recursive: true });
  for (const name of copied) {
    await cp(join(root, name), join(to, name), {
      recursive: true,
      filter: (path) => !path.includes('/node_modules'),
    });
  }
  for (const name of await readdir(join(root, 'node_modules'))) {
    if (name !== '@rekey') await symlink(join(root, 'node_modules', name), join(to, 'node_modules', name));
  }
  for (const name of await readdir(join(root, 'node_modules/@rekey'))) {
    const target = await readlink(join(root, 'node_modules/@rekey', name));
    await symlink(target, join(to, 'node_modules/@rekey', name));
  }
}
