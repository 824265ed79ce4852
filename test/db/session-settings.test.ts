import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  inTransaction,
  openClient,
  openStore,
  openSweepStore,
  rows,
  StoreError,
  workerSession,
} from '@rekey/db';
import { dropDatabase } from '@rekey/stack';
import { createTestDatabase } from '../harness/database.ts';
import { testEnvironment } from '../harness/environment.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const name = new URL(database.url).pathname.slice(1);
const admin = database.pool();

/** What an administrator may have given the database or the role, and what a session of ours has all the same. */
const given: ReadonlyArray<readonly [setting: string, theirs: string, ours: string]> = [
  ['default_transaction_isolation', 'serializable', 'read committed'],
  ['default_transaction_read_only', 'on', 'off'],
  ['default_transaction_deferrable', 'on', 'off'],
  ['datestyle', 'German, DMY', 'ISO, MDY'],
  ['intervalstyle', 'sql_standard', 'postgres'],
  ['timezone', 'America/St_Johns', 'UTC'],
  ['bytea_output', 'escape', 'hex'],
  ['extra_float_digits', '-15', '1'],
  ['client_encoding', 'LATIN1', 'UTF8'],
  ['standard_conforming_strings', 'off', 'on'],
  ['array_nulls', 'off', 'on'],
  ['transform_null_equals', 'on', 'off'],
  ['quote_all_identifiers', 'on', 'off'],
  ['statement_timeout', '900ms', '0'],
  ['lock_timeout', '20ms', '0'],
  ['idle_in_transaction_session_timeout', '40ms', '0'],
  ['idle_session_timeout', '900ms', '0'],
  ['transaction_timeout', '900ms', '0'],
  ['synchronous_commit', 'off', 'on'],
  ['plpgsql.extra_errors', 'all', 'none'],
  ['exit_on_error', 'on', 'off'],
  ['work_mem', '64kB', '4MB'],
  ['temp_file_limit', '0', '0'],
];

for (const [setting, theirs] of given)
  await admin.query(
    `alter database "${name}" set ${setting} = ${setting === 'datestyle' ? theirs : `'${theirs}'`}`,
  );

const opened = {
  'an application’s': () => openStore({ url: database.url, onError: () => {} }),
  'a worker’s': () => openStore({ url: database.url, session: workerSession, onError: () => {} }),
  'a sweep’s': () => openSweepStore({ url: database.url, onError: () => {} }),
} as const;

async function has(store: ReturnType<typeof openStore>, setting: string): Promise<string> {
  const found = await rows<{ value: string }>(store, 'select current_setting($1) as value', [setting]);
  return found[0]?.value ?? '';
}

/** Where a session of that kind is meant to have another. */
const differs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a worker’s': { idle_in_transaction_session_timeout: '800ms' },
  'a sweep’s': {
    idle_in_transaction_session_timeout: '800ms',
    lock_timeout: '50ms',
    synchronous_commit: 'off',
    work_mem: '16MB',
  },
};

for (const [whose, open] of Object.entries(opened)) {
  test(`${whose} session has what it needs, whatever the database was given`, async (t) => {
    const store = open();
    t.after(() => store.end());
    for (const [setting, , ours] of given)
      assert.equal(await has(store, setting), differs[whose]?.[setting] ?? ours, setting);
  });
}

test('a migrator’s session has it as well', async () => {
  const client = await openClient({ url: database.url });
  for (const [setting, , ours] of given) {
    const { rows: found } = await client.query('select current_setting($1) as value', [setting]);
    assert.equal(found[0].value, ours, setting);
  }
  await client.end();
});

test('what is read is what is there: times, bytes, arrays, numbers, text', async (t) => {
  const store = opened['an application’s']();
  t.after(() => store.end());
  const [found] = await rows(
    store,
    `select '2026-02-01 12:00+00'::timestamptz as at, '\\x00ff5c'::bytea as bytes, '{a,NULL}'::text[] as list,
       0.1::float8 + 0.2 as sum, 'Łódź 🔑' as text, '{}'::regclass[] as none, 'rekey.rotations'::regclass::text as name`,
  );
  assert.equal(found?.at.toISOString(), '2026-02-01T12:00:00.000Z');
  assert.deepEqual(found?.bytes, Buffer.from([0, 0xff, 0x5c]));
  assert.deepEqual(found?.list, ['a', null]);
  assert.equal(found?.sum, 0.1 + 0.2);
  assert.equal(found?.text, 'Łódź 🔑');
  assert.equal(found?.name, 'rekey.rotations');
});

test('a transaction is read committed, and may write', async (t) => {
  const store = opened['an application’s']();
  t.after(() => store.end());
  const [found] = await inTransaction(store, (tx) =>
    rows(
      tx,
      `select current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as ro`,
    ),
  );
  assert.deepEqual(found, { isolation: 'read committed', ro: 'off' });
});

test('a limit on how long a connection may be silent is one for Postgres too, a little below', async (t) => {
  const store = openStore({ url: database.url, takenMaxMs: 10_000, onError: () => {} });
  t.after(() => store.end());
  assert.equal(await has(store, 'lock_timeout'), '8s');
  assert.equal(await has(store, 'statement_timeout'), '9s');
  assert.equal(await has(store, 'idle_in_transaction_session_timeout'), '10s');
});

test('a setting of the caller’s takes the place of ours, however it is written', async (t) => {
  const store = openStore({ url: database.url, session: { timezone: 'Asia/Kolkata' }, onError: () => {} });
  t.after(() => store.end());
  assert.equal(await has(store, 'TimeZone'), 'Asia/Kolkata');
});

test('what the URL gives as options is there, as with libpq', async (t) => {
  const url = `${database.url}?options=${encodeURIComponent('-c search_path=nowhere -c work_mem=5MB')}`;
  const store = openStore({ url, onError: () => {} });
  t.after(() => store.end());
  assert.equal(await has(store, 'search_path'), 'nowhere');
  assert.equal(await has(store, 'work_mem'), '5MB');
});

test('rows that row level security would leave out are an error to a worker', async (t) => {
  const store = opened['a worker’s']();
  t.after(() => store.end());
  assert.equal(await has(store, 'row_security'), 'off');
});

test('a session whose triggers would not fire is refused by name', async (t) => {
  await admin.query(`alter database "${name}" set session_replication_role = replica`);
  t.after(() => admin.query(`alter database "${name}" reset session_replication_role`));
  const store = opened['an application’s']();
  t.after(() => store.end());
  await assert.rejects(
    rows(store, 'select 1'),
    (error) =>
      error instanceof StoreError &&
      error.code === 'UNFIT' &&
      /session_replication_role is replica/.test(error.message),
  );
});

test('one whose triggers fire is not, as replication by others sets it', async (t) => {
  await admin.query(`alter database "${name}" set session_replication_role = local`);
  t.after(() => admin.query(`alter database "${name}" reset session_replication_role`));
  const store = opened['an application’s']();
  t.after(() => store.end());
  assert.equal(await has(store, 'session_replication_role'), 'local');
  assert.deepEqual(await rows(store, `select code from rekey.integrity_problems()`), []);
});

for (const encoding of ['LATIN1', 'SQL_ASCII', 'EUC_JP']) {
  test(`a database in ${encoding} is refused by name`, async () => {
    const adminUrl = testEnvironment('TEST_DATABASE_ADMIN_URL');
    const other = `${name}_${encoding.toLowerCase()}`;
    await admin.query(
      `create database "${other}" template template0 encoding '${encoding}' locale_provider libc locale 'C'`,
    );
    const url = new URL(database.url);
    url.pathname = `/${other}`;
    const store = openStore({ url: url.href, onError: () => {} });
    try {
      await assert.rejects(
        rows(store, 'select 1'),
        (error) =>
          error instanceof StoreError &&
          error.code === 'UNFIT' &&
          error.message.includes(`encoding is ${encoding}`),
      );
    } finally {
      await store.end();
      await dropDatabase(adminUrl, other);
    }
  });
}

test('a session that was reset is set again before it is given out after a while', async (t) => {
  const store = openStore({ url: database.url, session: { lock_timeout: 50 }, max: 1, onError: () => {} });
  t.after(() => store.end());
  await store.query('discard all');
  const restored = await until(
    async () => {
      const value = await has(store, 'lock_timeout');
      return value === '50ms' ? value : undefined;
    },
    { what: 'the session is set again', timeoutMs: 20_000, everyMs: 500 },
  );
  assert.equal(restored, '50ms');
});
