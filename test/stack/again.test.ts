import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { failuresOf, filesToRunAgain } from '../harness/again.ts';
import { testEnvironment } from '../harness/environment.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'rekey-again-'));
after(() => rm(folder, { recursive: true }));

function npmTest(marker: string, env: Record<string, string>) {
  const { NODE_TEST_CONTEXT: _ours, ...inherited } = process.env;
  const servers = {
    DATABASE_URL: testEnvironment('TEST_DATABASE_ADMIN_URL'),
    REDIS_URL: testEnvironment('TEST_REDIS_URL'),
  };
  const run = spawnSync(process.execPath, ['test/run.ts', 'test/stack/fails-once.ts'], {
    cwd: ROOT,
    env: { ...inherited, ...servers, FAILS_ONCE: marker, ...env },
    encoding: 'utf8',
  });
  return {
    status: run.status,
    last: run.stdout.trimEnd().split('\n').slice(-3),
    all: run.stdout + run.stderr,
  };
}

/** The line of the test that fails, as the end of a run tells it; the message is Node's. */
const why =
  "failed in test/stack/fails-once.ts: passes the second time: The expression evaluated to a falsy value: assert.ok(before && file !== '/dev/full')";

test('what failed is run again where that was asked for, and named whatever comes of it', () => {
  const skipped = 'skipped for a missing tool: 0';
  const once = npmTest(join(folder, 'once'), { TEST_AGAIN: '2' });
  assert.deepEqual(
    [once.status, once.last],
    [0, ['failed, and passed when run again: 1 (test/stack/fails-once.ts)', why, skipped]],
    once.all,
  );
  const always = npmTest('/dev/full', { TEST_AGAIN: '2' });
  assert.deepEqual(
    [always.status, always.last],
    [1, ['failed, and failed when run again: 1 (test/stack/fails-once.ts)', why, skipped]],
    always.all,
  );
  const notAsked = npmTest(join(folder, 'not-asked'), { TEST_AGAIN: '' });
  assert.deepEqual([notAsked.status, notAsked.last.slice(-2)], [1, [why, skipped]], notAsked.all);
  assert.doesNotMatch(notAsked.all, /run again/);
});

test('many that failed are not run again, and none that looks for a lost write', () => {
  assert.deepEqual(filesToRunAgain(['test/api/a.test.ts'], 2), ['test/api/a.test.ts']);
  assert.deepEqual(filesToRunAgain([], 2), []);
  assert.deepEqual(filesToRunAgain(['test/api/a.test.ts', 'test/b.ts', 'test/c.ts'], 2), []);
  for (const one of [
    'test/chaos/short.test.ts',
    'test/permutations/permutations.test.ts',
    'test/vault/put.test.ts',
    'test/control/drain.test.ts',
    'test/schema/ways-to-write.test.ts',
  ])
    assert.deepEqual(filesToRunAgain(['test/api/a.test.ts', one], 2), [], one);
});

test('a report tells failed tests from what was skipped', () => {
  const failed = (file: string) => ({ file, test: 'a test', message: 'in vain' });
  const line = (file: string) => `failed: ${JSON.stringify(failed(file))}\n`;
  const report = `${line('test/b.ts')}spin\n${line('test/a.ts')}${line('test/b.ts')}`;
  assert.deepEqual(failuresOf(report), {
    failures: [failed('test/b.ts'), failed('test/a.ts'), failed('test/b.ts')],
    files: ['test/a.ts', 'test/b.ts'],
    rest: 'spin\n',
  });
});

test('CI asks for four', async () => {
  assert.match(await readFile(join(ROOT, '.ci/run'), 'utf8'), /^TEST_AGAIN=4 /m);
});
