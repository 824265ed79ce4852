import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { inTransaction, openStore, prepared, rows, type Store, StoreError } from '@rekey/db';
import { checkApiWork, checkWorkerWork, migrate } from '@rekey/schema';
import { startPostgres } from '@rekey/stack';
import { Pool } from 'pg';
import { createTestDatabase } from '../harness/database.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const admin = database.pool();
await admin.query('create table public.written (n int)');

function oneConnection(t: { after(work: () => Promise<void>): void }, url = database.url): Store {
  const store = openStore({ url, max: 1, onError: () => {} });
  t.after(() => store.end());
  return store;
}

const write = (store: Store): Promise<unknown> =>
  inTransaction(store, (tx) => rows(tx, 'insert into public.written values (1)'));

const fails = (code: string, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StoreError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, says);
  return true;
};

/** What may befall one connection of a pool, after which it answers and refuses for ever. */
const spoilt: ReadonlyArray<
  readonly [what: string, befall: string, says: RegExp, work: (store: Store) => Promise<unknown>]
> = [
  ['read-only since', 'set session characteristics as transaction read only', /25006/, write],
  [
    'without its prepared statements',
    'deallocate all',
    /26000/,
    (store) => inTransaction(store, (tx) => prepared(tx, 'select 1 as one', [])),
  ],
  [
    'with a plan of a table that was changed',
    'alter table public.written add column more int',
    /0A000/,
    (store) => inTransaction(store, (tx) => prepared(tx, 'select * from public.written', [])),
  ],
  [
    'ended by an administrator',
    'select 1',
    /57P01|cut/,
    (store) => inTransaction(store, (tx) => rows(tx, 'select pg_terminate_backend(pg_backend_pid())')),
  ],
];

for (const [what, befall, says, work] of spoilt) {
  test(`a connection is thrown away when it refuses: ${what}`, async (t) => {
    const store = oneConnection(t);
    await work(store).catch(() => {});
    await rows(store, befall);
    await assert.rejects(work(store), fails('UNAVAILABLE', says));
    if (what.startsWith('ended')) assert.equal((await rows(store, 'select 1')).length, 1);
    else await work(store);
  });
}

test('a server that became a standby is met with no connection, said to be one, and used again when promoted', {
  timeout: 120_000,
}, async (t) => {
  const server = await startPostgres();
  t.after(() => server.stop());
  await migrate(server.url);
  const store = openStore({ url: server.url, max: 4, applicationName: 'rekey-test-pool', onError: () => {} });
  t.after(() => store.end());
  await rows(store, 'create table public.written (n int)');
  await write(store);
  await checkApiWork(store);
  await rows(store, `create role several login password 'same'`);
  await admin.query(`create role several login password 'same'`);
  t.after(async () => {
    await admin.query('drop role several');
  });
  const signal = join(server.folder, 'data', 'standby.signal');
  await writeFile(signal, '', { mode: 0o644 });
  await server.restart('fast', 0);
  await until(
    () =>
      write(store).then(
        () => false,
        (error) => /standby/.test(String(error)),
      ),
    { what: 'it is said to be a standby' },
  );
  const here = new URL(server.url);
  const there = new URL(database.url);
  // Of several hosts it is passed over, wherever it stands.
  for (const hosts of [
    [here, there],
    [there, here],
  ]) {
    const places = hosts.map(({ host }) => host).join(',');
    const several = openStore({ url: `postgres://several:same@${places}/postgres`, onError: () => {} });
    t.after(() => several.end());
    const [found] = await rows<{ port: string }>(several, `select current_setting('port') as port`);
    assert.equal(found?.port, there.port);
  }
  for (const work of [write(store), checkApiWork(store), checkWorkerWork(store), rows(store, 'select 1')])
    await assert.rejects(work, fails('UNAVAILABLE', /takes no writes: it is a standby/));
  const own = new Pool({ connectionString: server.url });
  own.on('error', () => {});
  t.after(() => own.end());
  const { rows: kept } = await own.query(
    `select 1 from pg_stat_activity where application_name = 'rekey-test-pool'`,
  );
  assert.equal(kept.length, 0);
  await own.query('select pg_promote()');
  await until(
    () =>
      write(store).then(
        () => true,
        () => false,
      ),
    { what: 'it takes writes' },
  );
  await checkApiWork(store);
  await rm(signal, { force: true });
});

test('a server whose administrator set it to read-only is left so, said to be so, and used when it is not', {
  timeout: 60_000,
}, async (t) => {
  const server = await startPostgres();
  t.after(() => server.stop());
  await migrate(server.url);
  const own = new Pool({ connectionString: server.url });
  own.on('error', () => {});
  t.after(() => own.end());
  const store = oneConnection(t, server.url);
  await rows(store, 'create table public.written (n int)');
  const readOnly = async (value: string): Promise<void> => {
    await own.query(`alter system set default_transaction_read_only = ${value}`);
    await own.query('select pg_reload_conf()');
  };
  const became = (wanted: boolean) =>
    until(
      () =>
        checkWorkerWork(store).then(
          () => wanted,
          (error) => !wanted && /25006/.test(String(error)),
        ),
      { what: 'it is seen' },
    );
  await readOnly('on');
  await became(false);
  await assert.rejects(write(store), fails('UNAVAILABLE', /25006/));
  assert.equal((await rows(store, 'select 1')).length, 1, 'it can be read');
  await own.query('alter system reset default_transaction_read_only');
  await own.query('select pg_reload_conf()');
  await became(true);
  await write(store);
});

test('a right or a table that is missing makes a process unready, by its name', async (t) => {
  const role = `rekey_test_probe_${randomBytes(4).toString('hex')}`;
  await admin.query(`create role ${role} login password 'pw'`);
  await admin.query('select rekey.grant_api($1), rekey.grant_worker($1)', [role]);
  const url = new URL(database.url);
  url.username = role;
  url.password = 'pw';
  const store = oneConnection(t, url.href);
  t.after(async () => {
    await admin.query(`drop owned by ${role}; drop role ${role}`);
  });
  await checkApiWork(store);
  await checkWorkerWork(store);
  await admin.query(`revoke update (key_number, ciphertext) on public.secrets from ${role}`);
  await checkApiWork(store);
  await assert.rejects(checkWorkerWork(store), fails('ACCESS_DENIED', /update on public\.secrets/));
  await admin.query(`revoke execute on function rekey.keep_answer(text, text, text) from ${role}`);
  await assert.rejects(checkApiWork(store), fails('ACCESS_DENIED', /execute on function rekey\.keep_answer/));
  await admin.query(`revoke execute on function rekey.lock_tenant(uuid) from ${role}`);
  await assert.rejects(checkApiWork(store), fails('ACCESS_DENIED', /function lock_tenant/));
  await admin.query(`revoke execute on function rekey.take_up(uuid) from ${role}`);
  await assert.rejects(checkWorkerWork(store), fails('ACCESS_DENIED', /function take_up/));
  await admin.query('select rekey.grant_worker($1)', [role]);
  // Whatever functions come to be, rights and look go by one list.
  for (const [part, check] of [
    ['api', checkApiWork],
    ['worker', checkWorkerWork],
  ] as const) {
    const { rows: functions } = await admin.query<{ name: string; oid: string | null }>(
      `select name, p.oid::regprocedure::text as oid from unnest(rekey.functions_of($1)) name
       left join pg_proc p on p.proname = name and p.pronamespace = 'rekey'::regnamespace where name <> 'functions_of'`,
      [part],
    );
    assert.ok(functions.length > 30);
    await admin.query(`select rekey.grant_${part}($1)`, [role]);
    for (const { name, oid } of functions) {
      assert.ok(oid !== null, `there is no rekey.${name}`);
      await admin.query(`revoke execute on function ${oid} from ${role}`);
      // What a look begins with says its own name.
      await assert.rejects(
        check(store),
        fails('ACCESS_DENIED', new RegExp(`function (rekey\\.)?${name}\\b`)),
      );
      await admin.query(`grant execute on function ${oid} to ${role}`);
    }
    await check(store);
  }
  await admin.query('alter table public.api_keys rename to api_keys_2');
  t.after(async () => {
    await admin.query('alter table public.api_keys_2 rename to api_keys');
  });
  await assert.rejects(checkWorkerWork(store), fails('SCHEMA_MISSING', /public\.api_keys/));
});

test('a full disk makes a process unready while statements are told of it', async (t) => {
  const store = oneConnection(t);
  await checkWorkerWork(store);
  const full = inTransaction(store, (tx) => rows(tx, `do $$ begin raise sqlstate '53100'; end $$`));
  await assert.rejects(full, fails('UNAVAILABLE', /disk is full/));
  await assert.rejects(checkWorkerWork(store), fails('UNAVAILABLE', /disk is full/));
  await assert.rejects(checkApiWork(store), fails('UNAVAILABLE', /disk is full/));
});
