import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { testEnvironment } from '../harness/environment.ts';
import { summaryOf } from '../harness/missing-tools.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** `npm test` with what is already running. */
function npmTest(file: string, CI: string) {
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env;
  const servers = {
    DATABASE_URL: testEnvironment('TEST_DATABASE_ADMIN_URL'),
    REDIS_URL: testEnvironment('TEST_REDIS_URL'),
  };
  const run = spawnSync(process.execPath, ['test/run.ts', file], {
    cwd: ROOT,
    env: { ...env, ...servers, CI },
    encoding: 'utf8',
  });
  return { status: run.status, last: run.stdout.trimEnd().split('\n').at(-1), all: run.stdout };
}

test('the last line counts what was skipped for a missing tool, which in CI fails the run', () => {
  const line = 'skipped for a missing tool: 3 (postgres-15, spin)';
  const run = npmTest('test/stack/skipped-tests.ts', '');
  assert.deepEqual([run.status, run.last], [0, line], run.all);
  assert.match(run.all, /lacks another.*# missing tool: postgres-15: up to 75 MB/);
  const inCi = npmTest('test/stack/skipped-tests.ts', 'true');
  assert.deepEqual([inCi.status, inCi.last], [1, line], inCi.all);
});

test('in CI a run that lacks nothing passes', () => {
  const { status, last, all } = npmTest('test/envelope/dek.test.ts', 'true');
  assert.deepEqual([status, last], [0, 'skipped for a missing tool: 0'], all);
});

test('a tool is named once, however many tests lack it', () => {
  assert.deepEqual(summaryOf('spin\nspin\n'), { count: 2, line: 'skipped for a missing tool: 2 (spin)' });
  assert.deepEqual(summaryOf(''), { count: 0, line: 'skipped for a missing tool: 0' });
});

test('a test that lacks a commit is counted by its name, and fails no run', () => {
  assert.deepEqual(summaryOf('missing history: abc\nspin\nmissing history: abc\n'), {
    count: 1,
    line: 'skipped for a missing tool: 1 (spin); for missing history: 2 (abc)',
  });
});
