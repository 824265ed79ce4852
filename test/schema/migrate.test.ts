import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore, StoreError, type StoreErrorCode } from '@rekey/db';
import { checkSchema, migrate } from '@rekey/schema';
import { createDatabase, dropDatabase } from '@rekey/stack';
import type { Owner } from '../harness/cleanup.ts';
import { createTestDatabase } from '../harness/database.ts';
import { testEnvironment } from '../harness/environment.ts';
import { patient } from '../harness/patient.ts';

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
  const store = openStore({ ...patient, url, onError: () => {} });
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

test('whoever holds the turn of migrators is named while one waits, and when it is given up', async (t) => {
  const { url, pool } = await createTestDatabase(t);
  const stranger = await pool({ application_name: 'a stranger' }).connect();
  const {
    rows: [{ pid }],
  } = await stranger.query('select pg_backend_pid() as pid, pg_advisory_lock(1380273498)');
  const isNamed = new RegExp(`process ${pid} of Postgres holds it \\(role \\S+, application "a stranger"`);
  await assert.rejects(
    migrate(url, { lockedForMs: 0 }),
    (error) => refusal('LOCKED')(error) && isNamed.test(String(error)),
  );
  let told = '';
  const migrating = migrate(url, {
    onWait(what) {
      told = what;
      stranger.release(true);
    },
  });
  await migrating;
  assert.match(told, isNamed);
  await checkSchema(pool());
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
  const store = openStore({ ...patient, url, onError: () => {} });
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

test('a newer version beside this one is worked with, unless one of its migrations is marked as breaking', async (t) => {
  const { url, pool } = await createTestDatabase(t);
  await pool().query(`insert into rekey.migrations (name, sha256) values ('9998_later.sql', 'x')`);
  await pool().query(`update rekey.functions set revision = 1000, sha256 = 'newer'`);
  await checkSchema(pool());
  await migrate(url); // leaves the newer functions alone
  const { rows } = await pool().query('select distinct sha256 from rekey.functions');
  assert.deepEqual(rows, [{ sha256: 'newer' }]);
  await pool().query(
    `insert into rekey.migrations (name, sha256, breaking) values ('9999_last.sql', 'x', true)`,
  );
  await assert.rejects(checkSchema(pool()), (error) => {
    return refusal('SCHEMA_OUTDATED')(error) && /9999_last\.sql .* must not work with/.test(String(error));
  });
});

test('a function whose text has changed is replaced, and put around the registered tables again', async (t) => {
  const { url, pool } = await createTestDatabase(t);
  await pool().query(`update rekey.functions set sha256 = 'older' where name = 'install_fence.sql'`);
  await pool().query(`drop trigger rekey_fence_insert_secrets on secrets`);
  await pool().query(`alter table credentials disable trigger rekey_fence_update_credentials`);
  await assert.rejects(checkSchema(pool()), refusal('SCHEMA_OUTDATED'));
  await migrate(url);
  await checkSchema(pool());
  const { rows } = await pool().query(
    `select tgname, tgenabled from pg_trigger
     where tgname in ('rekey_fence_insert_secrets', 'rekey_fence_update_credentials') order by 1`,
  );
  assert.deepEqual(rows, [
    { tgname: 'rekey_fence_insert_secrets', tgenabled: 'O' },
    { tgname: 'rekey_fence_update_credentials', tgenabled: 'O' },
  ]);
});

test('a migration may run outside a transaction, and is begun again where it was stopped', async (t) => {
  const { url, pool } = await createTestDatabase(t);
  const folder = await mkdtemp(join(tmpdir(), 'rekey-migrations-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const index = (table: string): string => `drop index concurrently if exists secrets_by_name;
-- next
create index concurrently secrets_by_name on ${table} (name);
`;
  const file = join(folder, '9000_index.sql');
  await writeFile(file, `-- rekey: outside a transaction\n${index('no_such_table')}`);
  const options = { folder: new URL(`file://${folder}/`) };
  await assert.rejects(migrate(url, options));
  await writeFile(file, `-- rekey: outside a transaction\n${index('secrets')}`);
  await migrate(url, options);
  const { rows } = await pool().query(
    `select indisvalid from pg_index where indexrelid = 'secrets_by_name'::regclass`,
  );
  assert.deepEqual(rows, [{ indisvalid: true }]);
});

test('a database that has a table of that name already is told so in one line, and keeps nothing of ours', async (t) => {
  const url = await emptyDatabase(t);
  const store = openStore({ ...patient, url, onError: () => {} });
  try {
    await store.query('create table public.api_keys (id int)');
    await assert.rejects(migrate(url), (error) => {
      return refusal('REFUSED')(error) && /has public\.api_keys already/.test(String(error));
    });
    const { rows } = await store.query(`select to_regnamespace('rekey') as half`);
    assert.deepEqual(rows, [{ half: null }]);
  } finally {
    await store.end();
  }
});
