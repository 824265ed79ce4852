import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const folder = await mkdtemp(join(tmpdir(), 'rekey-stuck-'));
after(() => rm(folder, { recursive: true }));

function run(...files: string[]) {
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
      '--test-timeout=2500',
      '--test-force-exit',
      ...reporters,
      ...files,
    ],
    { cwd: ROOT, env: { ...env, TEST_STUCK_GRACE_MS: '500' }, encoding: 'utf8', timeout: 60_000 },
  );
}

test('a file that loops is named and killed, and the others run', () => {
  const { status, stdout, stderr } = run('test/stack/looping-test.ts', 'test/stack/skipped-tests.ts');
  assert.equal(status, 1, stdout + stderr);
  assert.equal(stderr.trim(), 'stuck: test/stack/looping-test.ts does not end, and is killed');
  assert.match(stdout, /ℹ pass [1-9]/);
});

test('where somebody who was left behind holds its output, the run ends, and says at which file', () => {
  const { status, stderr } = run('test/stack/left-behind.ts');
  assert.equal(status, 1);
  assert.match(stderr, /stuck: test\/stack\/left-behind\.ts is still there, and the run ends here/);
});
