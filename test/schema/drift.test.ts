import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findDrift } from '@rekey/schema';
import { createTestDatabase } from '../harness/database.ts';

const database = await createTestDatabase();

test('a schema as it was installed has not drifted', async () => {
  assert.deepEqual(await findDrift(database.pool()), []);
});

for (const [what, change, named] of [
  [
    'a column',
    'alter table rekey.tenants add column x int',
    /not of this version: rekey\.tenants: x integer/,
  ],
  [
    'a column',
    'alter table rekey.rotations alter column version drop not null',
    /missing or changed: rekey\.rotations: version/,
  ],
  [
    'a constraint',
    'alter table rekey.deks add constraint x check (key_number > 0)',
    /rekey\.deks: constraint x/,
  ],
  ['an index', 'create index x on rekey.deks (state)', /INDEX x ON rekey\.deks/],
  [
    'a trigger',
    'drop trigger guard_dek on rekey.deks',
    /missing or changed: rekey\.deks: CREATE TRIGGER guard_dek/,
  ],
  ['a trigger that is off', 'alter table rekey.deks disable trigger guard_dek', /GUARD.*guard_dek/],
  [
    'whose rights a function has',
    'alter function rekey.beat(uuid, text, jsonb) security invoker',
    /function rekey\.beat/,
  ],
  [
    'what a function does',
    `create or replace function rekey.database_timeline() returns text language sql stable as $$ select '1' $$`,
    /database_timeline/,
  ],
] as const) {
  test(`${what} changed by hand is named: ${change.slice(0, 60)}`, async () => {
    const client = await database.pool({ max: 1 }).connect();
    try {
      await client.query('begin');
      await client.query(change);
      assert.match((await findDrift(client)).join('\n'), named);
    } finally {
      await client.query('rollback');
      client.release();
    }
  });
}

test('the command says so, with status 1 where something differs, and changes nothing', async () => {
  const entry = fileURLToPath(new URL('../../packages/schema/src/migrate-main.ts', import.meta.url));
  const run = () =>
    promisify(execFile)(process.execPath, [entry, '--check'], { env: { DATABASE_URL: database.url } }).then(
      ({ stdout }) => [0, stdout],
      ({ code, stdout }: { code: number; stdout: string }) => [code, stdout],
    );
  assert.deepEqual(await run(), [0, 'The schema is up to date.\n']);
  await database.pool().query('create index by_hand on rekey.deks (state)');
  for (let again = 0; again < 2; again += 1) {
    const [code, said] = await run();
    assert.equal(code, 1);
    assert.match(String(said), /^not of this version: rekey\.deks: CREATE INDEX by_hand [^\n]+\n$/);
  }
});
