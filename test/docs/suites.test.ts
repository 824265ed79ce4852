import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { alone, suites } from '../suites.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('every name in a suite is that of a file, and each has its script', async () => {
  const { scripts } = JSON.parse(await readFile(`${root}/package.json`, 'utf8'));
  for (const [suite, { files }] of Object.entries(suites)) {
    if (suite !== 'all') assert.equal(scripts[`test:${suite}`], `exec node test/run.ts ${suite}`);
    for (const pattern of files.flatMap(spread))
      assert.notEqual((await Array.fromAsync(glob(pattern, { cwd: root }))).length, 0, pattern);
  }
});

test('what is to run alone is there', async () => {
  for (const file of alone) assert.deepEqual(await Array.fromAsync(glob(file, { cwd: root })), [file]);
});

/** `a/{b,c}.ts` is two names, each of which must be there. */
function spread(pattern: string): string[] {
  const [, before = '', names, after = ''] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(pattern) ?? [];
  return names === undefined ? [pattern] : names.split(',').map((name) => `${before}${name}${after}`);
}
