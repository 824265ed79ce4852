import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '@rekey/stack';
import { testEnvironment } from '../harness/environment.ts';
import { tool } from '../harness/tool.ts';

const postgres15 = await tool('postgres-15');

/** What leans most on Postgres and is done soon: fence, switch, sweep, rights, and a rotation by both processes. */
const leaning = [
  'test/control/switch.test.ts',
  'test/processes/damaged-records.test.ts',
  'test/rotation/compare-and-swap.test.ts',
  'test/schema/{fence,rights}.test.ts',
];

test('the oldest Postgres that is supported does as the newest', { skip: postgres15.skip }, async (t) => {
  const { initdb, postgres } = postgres15.programs;
  const server = await startPostgres({ programs: { initdb, postgres }, settings: { fsync: 'off' } });
  t.after(() => server.stop());
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env;
  const run = spawnSync(process.execPath, ['test/run.ts', ...leaning], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...env, DATABASE_URL: server.url, REDIS_URL: testEnvironment('TEST_REDIS_URL') },
    encoding: 'utf8',
  });
  assert.equal(run.status, 0, run.stdout.slice(-20_000));
  assert.match(run.stdout, /^ℹ tests [1-9]\d+$/m);
});
