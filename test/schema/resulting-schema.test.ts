import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { test } from 'node:test';
import { describeSchema } from '../../packages/schema/src/describe-schema.ts';
import { createTestDatabase } from '../harness/database.ts';

const file = new URL('../../packages/schema/schema.txt', import.meta.url);
const database = await createTestDatabase();

test('the schema that all migrations and functions make is the one in packages/schema/schema.txt', async () => {
  const described = await describeSchema(database.pool());
  if (process.env.RENEW_SCHEMA === '1') await writeFile(file, described);
  assert.equal(described, await readFile(file, 'utf8'), 'see what has changed, then: npm run schema');
});

test('whatever is changed in it is seen', async () => {
  const pool = database.pool();
  const before = await describeSchema(pool);
  for (const [change, undo] of [
    ['alter table rekey.tenants add column x int', 'alter table rekey.tenants drop column x'],
    [
      'alter table rekey.deks alter column state drop not null',
      'alter table rekey.deks alter column state set not null',
    ],
    ['create index x on rekey.deks (state)', 'drop index rekey.x'],
    [
      'alter table rekey.rotations add constraint x check (version >= 0)',
      'alter table rekey.rotations drop constraint x',
    ],
    [
      'create trigger x before insert on rekey.tenants for each row execute function rekey.guard_event()',
      'drop trigger x on rekey.tenants',
    ],
    [
      'alter function rekey.beat(uuid, text, jsonb) security invoker',
      'alter function rekey.beat(uuid, text, jsonb) security definer',
    ],
    ['create view rekey.x as select 1 as one', 'drop view rekey.x'],
    ['alter table secrets set (fillfactor = 71)', null],
  ] as const) {
    await pool.query(change);
    assert.notEqual(await describeSchema(pool), before, change);
    if (undo === null) continue;
    await pool.query(undo);
    assert.equal(await describeSchema(pool), before, undo);
  }
});
