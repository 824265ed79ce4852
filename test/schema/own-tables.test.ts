import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openStore, StoreError } from '@rekey/db';
import { checkSchema, checkWorkerWork, migrate } from '@rekey/schema';
import { createDatabase, dropDatabase } from '@rekey/stack';
import { testEnvironment } from '../harness/environment.ts';
import { patient } from '../harness/patient.ts';

const run = promisify(execFile);
const schema = new URL('../../packages/schema/', import.meta.url);
const entry = fileURLToPath(new URL('src/migrate-main.ts', schema));

test('into a database with tables of those names Rekey comes with a schema of its own and nothing else', async (t) => {
  const adminUrl = testEnvironment('TEST_DATABASE_ADMIN_URL');
  const name = testEnvironment('TEST_TEMPLATE_DATABASE').replace(/template$/, randomBytes(6).toString('hex'));
  const url = await createDatabase(adminUrl, name);
  const store = openStore({ ...patient, url, onError: () => {} });
  t.after(async () => {
    await store.end();
    await dropDatabase(adminUrl, name);
  });
  await store.query(`
    create table secrets (id text, note text); create view credentials as select 1 as one;
    create table api_keys (id int primary key, secret text)`);
  const outside = async (): Promise<unknown> =>
    (
      await store.query(`
        select n.nspname, c.relname, c.relkind, (select count(*) from pg_trigger t where t.tgrelid = c.oid) as triggers
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname not in ('rekey', 'pg_catalog', 'information_schema', 'pg_toast') order by 1, 2`)
    ).rows;
  const before = await outside();

  await assert.rejects(
    migrate(url),
    (error) =>
      error instanceof StoreError &&
      error.code === 'REFUSED' &&
      /--without-sample-tables/.test(error.message),
  );
  const env = { DATABASE_URL: url };
  const { stdout } = await run(process.execPath, [entry, '--without-sample-tables'], { env });
  assert.equal(stdout, 'The schema is up to date.\n');
  assert.deepEqual(await outside(), before);
  const { rows } = await store.query('select name from rekey.migrations where skipped');
  assert.deepEqual(rows, [{ name: '0003_records.sql' }]);
  assert.deepEqual((await store.query('select from rekey.targets')).rows, []);

  // Once it was passed over it is never caught up on, by whatever call.
  await migrate(url);
  await run(process.execPath, [entry], { env });
  assert.deepEqual(await outside(), before);
  await checkSchema(store);
  await checkWorkerWork(store);
});

test('the tables that ship are named by the migration that makes them, and nowhere else', async () => {
  for (const folder of ['migrations/', 'functions/']) {
    for (const name of await readdir(new URL(folder, schema))) {
      if (name === '0003_records.sql') continue;
      const text = await readFile(new URL(`${folder}${name}`, schema), 'utf8');
      // The item types of the contract have two of their names.
      const named = text.match(
        /\bpublic\.|\bapi_keys\b|\b(on|from|into|update|table)\s+(credentials|secrets)\b/gi,
      );
      assert.equal(named, null, name);
    }
  }
});

test('what it does not know is said, and nothing is done', async () => {
  const said = await run(process.execPath, [entry, '--without-sample-table'], {
    env: { DATABASE_URL: 'postgres://u@127.0.0.1:1/x' },
  }).then(
    () => 'nothing',
    (error: { code: number; stderr: string }) => `${error.code} ${error.stderr}`,
  );
  assert.equal(
    said,
    '1 migrate takes --without-sample-tables or --check and nothing else: not --without-sample-table\n',
  );
});
