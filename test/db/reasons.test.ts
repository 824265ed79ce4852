import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { inTransaction, openStore, rows, StoreError, type StoreErrorCode, speaking } from '@rekey/db';
import { Client } from 'pg';
import { createTestDatabase } from '../harness/database.ts';
import { testEnvironment } from '../harness/environment.ts';

const database = await createTestDatabase();
const admin = database.pool();
const store = openStore({ url: database.url, onError: () => {} });
const role = `rekey_test_reasons_${randomBytes(4).toString('hex')}`;
await admin.query(`
  create role ${role} login password 'pw';
  create table public.orders (id int primary key, note text, n int check (n > 0));
  create function public.audit() returns trigger language plpgsql as $$
    begin insert into audit_log values (new.note); return new; end $$;
  create table public.audited (note text);
  create trigger audit after insert on public.audited for each row execute function public.audit();
  create function public.old_column() returns trigger language plpgsql as $$ begin new.gone := 1; return new; end $$;
  create table public.columned (note text);
  create trigger old_column before insert on public.columned for each row execute function public.old_column();
  create function public.says_no() returns trigger language plpgsql as $$
    begin raise exception 'no to %', new.note using errcode = 'insufficient_privilege'; end $$;
  create table public.guarded (note text);
  create trigger says_no before insert on public.guarded for each row execute function public.says_no();
  create function public.plain_no() returns trigger language plpgsql as $$ begin raise exception 'no to %', new.note; end $$;
  create table public.plainly (note text);
  create trigger plain_no before insert on public.plainly for each row execute function public.plain_no();
  create function rekey.misses() returns int language plpgsql as $$ begin return (select count(*) from rekey.gone); end $$;
`);
const asRole = new URL(database.url);
asRole.username = role;
asRole.password = 'pw';
const poor = openStore({ url: asRole.href, onError: () => {} });
after(async () => {
  await Promise.all([store.end(), poor.end()]);
  await database.drop();
  const client = new Client({ connectionString: testEnvironment('TEST_DATABASE_ADMIN_URL') });
  await client.connect();
  await client.query(`drop role ${role}`);
  await client.end();
});

const value = 'hunter2-very-secret';

const cases: ReadonlyArray<
  readonly [what: string, text: string, code: StoreErrorCode, says: RegExp, as?: typeof store]
> = [
  ['a table of ours', 'select * from rekey.nowhere', 'SCHEMA_MISSING', /: rekey\.nowhere \(42P01\)$/],
  ['a registered table', 'select * from public.gone', 'SCHEMA_MISSING', /: public\.gone \(42P01\)$/],
  [
    'a function',
    `select rekey.gone('${value}'::text)`,
    'SCHEMA_MISSING',
    /function rekey\.gone\(text\).*42883/,
  ],
  ['a column', 'select o.gone from public.orders o', 'SCHEMA_MISSING', /column o\.gone.*42703/],
  [
    'a column to write',
    'update public.orders set gone = 1',
    'SCHEMA_MISSING',
    /column gone of relation orders.*42703/,
  ],
  ['a schema', 'select nowhere.f()', 'SCHEMA_MISSING', /nowhere.*3F000/],
  ['a table, within a function of ours', 'select rekey.misses()', 'SCHEMA_MISSING', /rekey\.gone/],
  [
    "a table, within the application's trigger",
    `insert into public.audited values ('${value}')`,
    'REFUSED',
    /in audit\(\) \(42P01\)$/,
  ],
  [
    "a column, within the application's trigger",
    `insert into public.columned values ('${value}')`,
    'REFUSED',
    /in old_column\(\) \(42703\)$/,
  ],
  [
    "a right, says the application's trigger",
    `insert into public.guarded values ('${value}')`,
    'ACCESS_DENIED',
    /in says_no\(\) \(42501\)$/,
  ],
  [
    "the application's trigger says no",
    `insert into public.plainly values ('${value}')`,
    'REFUSED',
    /in plain_no\(\) \(P0001\)$/,
  ],
  ['a right on a table', 'select * from public.orders', 'ACCESS_DENIED', /table orders \(42501\)$/, poor],
  ['a right on a schema', 'select * from rekey.rotations', 'ACCESS_DENIED', /schema rekey \(42501\)$/, poor],
  [
    'a constraint',
    `insert into public.orders values (1, '${value}', -1)`,
    'REFUSED',
    /orders_n_check \(23514\)$/,
  ],
  ['a value', `select '${value}'::uuid`, 'REFUSED', /type \(22P02\)$/],
  ['too slow', `set statement_timeout = 20; select pg_sleep(5)`, 'UNAVAILABLE', /too long.*57014/],
  [
    'read-only',
    `begin read only; insert into public.orders values (1, '${value}', 1)`,
    'UNAVAILABLE',
    /no writes.*25006/,
  ],
  [
    'a full disk',
    `do $$ begin raise sqlstate '53100' using message = '${value}'; end $$`,
    'UNAVAILABLE',
    /disk is full.*53100/,
  ],
  [
    'nothing that any list names',
    `do $$ begin raise sqlstate 'ZZ123' using message = '${value}'; end $$`,
    'INTERNAL',
    /not foreseen.*ZZ123/,
  ],
  [
    'a broken transaction',
    `begin; do $$ begin raise sqlstate '25P02' using message = '${value}'; end $$`,
    'INTERNAL',
    /25P02/,
  ],
  ['a syntax error', `selec '${value}'`, 'REFUSED', /42601/],
];

for (const [what, text, code, says, on = store] of cases) {
  test(`says what it is, by name, and no value: ${what}`, async () => {
    await assert.rejects(rows(on, text), (error) => {
      assert.ok(error instanceof StoreError, String(error));
      assert.equal(error.code, code, error.message);
      assert.match(error.message, says);
      assert.match(error.message, new RegExp(`\\(${error.sqlState}\\)$`));
      assert.doesNotMatch(error.message, /hunter2|\n/);
      return true;
    });
  });
}

test("an error of ours that is not Postgres' own is a bug, with its cause", async () => {
  const loop: { self?: unknown } = {};
  loop.self = loop;
  await assert.rejects(rows(store, 'select $1::jsonb', [loop]), (error) => {
    return error instanceof StoreError && error.code === 'INTERNAL' && error.cause instanceof TypeError;
  });
});

test('what the work of a transaction throws of its own passes as it is', async () => {
  const own = new Error(randomUUID());
  await assert.rejects(
    inTransaction(store, () => Promise.reject(own)),
    (error) => error === own,
  );
  await assert.rejects(
    speaking(() => Promise.reject(own)),
    (error) => error === own,
  );
});
