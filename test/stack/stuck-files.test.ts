import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { upToThreeTimes } from '../harness/tries.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'rekey-stuck-'));
after(() => rm(folder, { recursive: true }));

function run(timeoutMs: number, ...files: string[]) {
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env;
  const reporters = [
    ['spec', 'stdout'],
    ['./test/harness/missing-tools.ts', join(folder, 'missing')],
  ].flatMap(([reporter, destination]) => [
    `--test-reporter=${reporter}`,
    `--test-reporter-destination=${destination}`,
  ]);
  return spawnSync(
    process.execPath,
    [
      '--test',
      '--test-concurrency=1',
      '--test-timeout=600000',
      `--test-timeout=${timeoutMs}`,
      '--test-force-exit',
      ...reporters,
      ...files,
    ],
    {
      cwd: ROOT,
      env: { ...env, TEST_STUCK_GRACE_MS: String(timeoutMs / 5) },
      encoding: 'utf8',
      timeout: 180_000,
    },
  );
}

/** A file that has come to nothing by then, or does not die within a fifth of it, shows nothing: it gets more time. */
const FIRST_MS = 2_500;

test('a file that loops is named and killed, and the others run', (t) => {
  let tries = 0;
  return upToThreeTimes(t, () => {
    const files = ['test/stack/looping-test.ts', 'test/stack/skipped-tests.ts'];
    const { status, stdout, stderr } = run(FIRST_MS * 3 ** tries, ...files);
    tries += 1;
    assert.equal(status, 1, stdout + stderr);
    assert.equal(stderr.trim(), 'stuck: test/stack/looping-test.ts does not end, and is killed');
    assert.match(stdout, /ℹ pass [1-9]/);
  });
});

test('where somebody who was left behind holds its output, the run ends, and says at which file', (t) => {
  let tries = 0;
  return upToThreeTimes(t, () => {
    const { status, stderr } = run(FIRST_MS * 3 ** tries, 'test/stack/left-behind.ts');
    tries += 1;
    assert.equal(status, 1);
    assert.match(stderr, /stuck: test\/stack\/left-behind\.ts is still there, and the run ends here/);
  });
});
