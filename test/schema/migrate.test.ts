import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { openStore, StoreError, type StoreErrorCode } from '@rekey/db';
import { checkSchema, migrate } from '@rekey/schema';
import { createDatabase, dropDatabase } from '@rekey/stack';
import type { Owner } from '../harness/cleanup.ts';
import { createTestDatabase } from '../harness/database.ts';
import { testEnvironment } from '../harness/environment.ts';

const refusal = (code: StoreErrorCode) => (error: unknown) =>
  error instanceof StoreError && error.code === code;

async function emptyDatabase(owner: Owner): Promise<string> {
  const adminUrl = testEnvironment('TEST_DATABASE_ADMIN_URL');
  const name = testEnvironment('TEST_TEMPLATE_DATABASE').replace(/template$/, randomBytes(6).toString('hex'));
  owner.after(() => dropDatabase(adminUrl, name));
  return createDatabase(adminUrl, name);
}

test('migrations that are run again change nothing', async (t) => {
  const { url, pool } = await createTestDatabase(t);
  const state = `select (select array_agg((name, sha256, ran_at)::text order by name) from rekey.migrations) as ran,
    (select array_agg(c.oid::text order by c.oid) from pg_class c where relnamespace = 'rekey'::regnamespace) as things`;
  const before = (await pool().query(state)).rows;
  await migrate(url);
  assert.deepEqual((await pool().query(state)).rows, before);
  await checkSchema(pool());
});

test('of several migrators at once each waits for the others, and every migration runs once', async (t) => {
  const url = await emptyDatabase(t);
  const store = openStore({ url, onError: () => {} });
  try {
    await assert.rejects(checkSchema(store), refusal('SCHEMA_MISSING'));
    await Promise.all([1, 2, 3, 4].map(() => migrate(url)));
    await checkSchema(store);
    const { rows } = await store.query('select name from rekey.targets order by name');
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['api_keys', 'credentials', 'secrets'],
    );
  } finally {
    await store.end();
  }
});

test('a migration that ran here and was edited since is refused, by the migrator and at the start', async (t) => {
  const { url, pool } = await createTestDatabase(t);
  await pool().query(`update rekey.migrations set sha256 = 'other' where name like '0001%'`);
  await assert.rejects(migrate(url), refusal('SCHEMA_OUTDATED'));
  await assert.rejects(checkSchema(pool()), refusal('SCHEMA_OUTDATED'));
});

test('a program that is newer than the schema does not start on it', async (t) => {
  const { pool } = await createTestDatabase(t);
  await pool().query(`delete from rekey.migrations where name = (select max(name) from rekey.migrations)`);
  await assert.rejects(checkSchema(pool()), refusal('SCHEMA_OUTDATED'));
});

test('a migration that fails leaves nothing of itself', async (t) => {
  const url = await emptyDatabase(t);
  const store = openStore({ url, onError: () => {} });
  try {
    // In the way of the last statements of a file.
    await store.query('create table public.secrets (id int)');
    await assert.rejects(migrate(url));
    const { rows } = await store.query(`select to_regclass('public.credentials') as half`);
    assert.deepEqual(rows, [{ half: null }]);
    await store.query('drop table public.secrets');
    await migrate(url);
    await checkSchema(store);
  } finally {
    await store.end();
  }
});

test('a database that is away is said to be away, without its password', async () => {
  const away = migrate('postgres://ada:s3cret-word@127.0.0.1:1/none');
  await assert.rejects(
    away,
    (error) => refusal('UNAVAILABLE')(error) && !String(error).includes('s3cret-word'),
  );
});
