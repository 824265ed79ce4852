import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { loadInstallation } from '@rekey/control';
import { Client } from 'pg';
import { createTestDatabase } from '../harness/database.ts';
import { testEnvironment } from '../harness/environment.ts';
import { sqlState } from '../harness/session.ts';

const database = await createTestDatabase();
const pool = database.pool();
const role = `rekey_test_api_${randomBytes(6).toString('hex')}`;
await pool.query(`create role ${role}`);
after(async () => {
  await database.drop(); // and with it the role's rights
  const admin = new Client({ connectionString: testEnvironment('TEST_DATABASE_ADMIN_URL') });
  await admin.connect();
  await admin.query(`drop role ${role}`);
  await admin.end();
});
const api = database.pool({ options: `-c role=${role}` });
await pool.query(`grant usage on schema rekey to ${role}`);

test('a role that has not been granted it learns neither the key nor the installation', async () => {
  for (const statement of [
    'select rekey.snapshot_key()',
    'select rekey.installation_id()',
    'select * from rekey.installation',
  ])
    assert.equal(await sqlState(api.query(statement)), '42501', statement);
});

test('the migration grants the functions to whoever may change rotations, and the table to nobody', async () => {
  const sql = await readFile(
    new URL('../../packages/schema/migrations/0012_snapshot_key.sql', import.meta.url),
    'utf8',
  );
  const grants = sql.slice(sql.indexOf('do $$'));
  await pool.query(grants);
  assert.equal(await sqlState(api.query('select rekey.snapshot_key()')), '42501', 'it may not change them');
  await pool.query(`grant select, update on rekey.rotations to ${role}`);
  await pool.query(grants);
  const { id, snapshotKey } = await loadInstallation(api);
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.equal(snapshotKey.length, 32);
  assert.equal(await sqlState(api.query('select * from rekey.installation')), '42501');
  assert.equal(await sqlState(api.query('update rekey.installation set id = gen_random_uuid()')), '42501');
});

test('asked again, by whomever, it is the same installation; a copy under another name is another one', async () => {
  const first = await loadInstallation(pool);
  assert.deepEqual(await loadInstallation(pool), first);
  assert.deepEqual(await loadInstallation(api), first);

  // Both are copies of one template, down to the row.
  const copy = (await createTestDatabase()).pool();
  const rows = async (on: typeof pool) =>
    (await on.query('select id, snapshot_key from rekey.installation')).rows;
  assert.deepEqual(await rows(copy), await rows(pool));
  const second = await loadInstallation(copy);
  assert.notEqual(second.id, first.id);
  assert.ok(!second.snapshotKey.equals(first.snapshotKey));
});

test('the installation is one row', async () => {
  assert.equal(
    await sqlState(pool.query(`insert into rekey.installation (snapshot_key) values ('${'x'.repeat(32)}')`)),
    '23505',
  );
  assert.equal(
    await sqlState(
      pool.query(`insert into rekey.installation (one, snapshot_key) values (false, '${'x'.repeat(32)}')`),
    ),
    '23514',
  );
});
