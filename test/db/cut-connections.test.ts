import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inTransaction, openStore, rows, StoreError } from '@rekey/db';
import { startPostgres } from '@rekey/stack';
import { Pool } from 'pg';
import { createTestDatabase } from '../harness/database.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const admin = database.pool();
await admin.query(
  'create table public.counted (id int primary key, n int); insert into public.counted values (1, 0)',
);

async function backends(of: Pool, applicationName: string): Promise<number> {
  const { rowCount } = await of.query('select 1 from pg_stat_activity where application_name = $1', [
    applicationName,
  ]);
  return rowCount ?? 0;
}

/** A transaction that holds the one row until it is let go. */
async function holdRow(t: { after(work: () => Promise<void>): void }): Promise<() => Promise<void>> {
  const holder = await admin.connect();
  let held = true;
  const letGo = async (): Promise<void> => {
    if (!held) return;
    held = false;
    await holder.query('rollback');
    holder.release();
  };
  t.after(letGo);
  await holder.query('begin; select from public.counted where id = 1 for update');
  return letGo;
}

const codeOf = (error: unknown): string => (error instanceof StoreError ? error.code : String(error));

test('calls that wait for a lock keep to their connections, and none is carried out after it was refused', async (t) => {
  const applicationName = 'rekey-test-waits';
  const store = openStore({ url: database.url, max: 3, takenMaxMs: 600, applicationName, onError: () => {} });
  t.after(() => store.end());
  const letGo = await holdRow(t);
  const answers = new Map<string, number>();
  let most = 0;
  let going = true;
  const callers = Array.from({ length: 6 }, async () => {
    while (going) {
      const answer = await rows(store, 'update public.counted set n = n + 1 where id = 1').then(
        () => 'done',
        codeOf,
      );
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  });
  for (let look = 0; look < 40; look += 1) {
    most = Math.max(most, await backends(admin, applicationName));
    await sleep(100);
  }
  going = false;
  await Promise.all(callers);
  assert.ok(most <= 3, `${most} backends for a pool of 3`);
  assert.ok(!answers.has('done'));
  assert.ok((answers.get('LOCKED') ?? 0) > 6, 'each called more than once');
  await letGo();
  await sleep(300);
  assert.deepEqual((await admin.query('select n from public.counted')).rows, [{ n: 0 }]);
});

test('where Postgres sets no limit, a transaction that was cut is cancelled there', async (t) => {
  const applicationName = 'rekey-test-cut';
  const session = { statement_timeout: 0, lock_timeout: 0, client_connection_check_interval: 0 };
  const store = openStore({
    url: database.url,
    max: 1,
    takenMaxMs: 400,
    applicationName,
    session,
    onError: () => {},
  });
  t.after(() => store.end());
  await holdRow(t);
  const began = performance.now();
  const outcome = await inTransaction(store, (tx) => rows(tx, 'update public.counted set n = n + 1')).then(
    () => 'done',
    codeOf,
  );
  assert.equal(outcome, 'UNAVAILABLE');
  assert.ok(performance.now() - began < 15_000);
  await until(async () => (await backends(admin, applicationName)) === 0, {
    what: 'its backend is gone',
  });
});

test('a backend whose client is gone notices while it waits', async (t) => {
  const applicationName = 'rekey-test-gone';
  const session = { statement_timeout: 0, lock_timeout: 0 };
  const store = openStore({
    url: database.url,
    max: 1,
    takenMaxMs: 300,
    applicationName,
    session,
    onError: () => {},
  });
  t.after(() => store.end());
  await holdRow(t);
  // By itself a transaction: not cancelled, since it may be a commit that waits.
  const outcome = await rows(store, 'update public.counted set n = n + 1').then(() => 'done', codeOf);
  assert.equal(outcome, 'UNAVAILABLE');
  await until(async () => (await backends(admin, applicationName)) === 0, {
    what: 'its backend is gone',
  });
});

test('a long list of statements is not cut, however long the connection is taken', async (t) => {
  const store = openStore({ url: database.url, max: 1, takenMaxMs: 400, onError: () => {} });
  t.after(() => store.end());
  const done = await inTransaction(store, async (tx) => {
    for (let step = 0; step < 15; step += 1) await rows(tx, 'select pg_sleep(0.1)');
    return 'done';
  });
  assert.equal(done, 'done');
});

test('one call may have more patience than its pool, and the next has not', async (t) => {
  const store = openStore({ url: database.url, max: 1, takenMaxMs: 500, onError: () => {} });
  t.after(() => store.end());
  const slow = (options: { silentMaxMs?: number }): Promise<string> =>
    inTransaction(store, (tx) => rows(tx, 'select pg_sleep(1.2)'), options).then(() => 'done', codeOf);
  assert.equal(await slow({ silentMaxMs: 5_000 }), 'done');
  assert.equal(await slow({}), 'UNAVAILABLE');
  assert.equal(await slow({ silentMaxMs: 800 }), 'UNAVAILABLE');
  assert.equal(await slow({ silentMaxMs: 5_000 }), 'done');
});

test('a caller that queued in vain is told so, and its statement is not carried out', {
  timeout: 30_000,
}, async (t) => {
  const store = openStore({ url: database.url, max: 1, onError: () => {} });
  t.after(() => store.end());
  const holder = await store.connect();
  const queued = rows(store, 'update public.counted set n = n + 100').then(() => 'done', codeOf);
  assert.equal(await queued, 'UNAVAILABLE');
  holder.release();
  assert.equal((await rows(store, 'select 1 as one')).length, 1);
  assert.deepEqual((await admin.query('select n from public.counted')).rows, [{ n: 0 }]);
});

test('a connection whose other end fell silent is cut, and the next one works', async (t) => {
  let silent = false;
  const open = new Set<Socket>();
  const { hostname, port } = new URL(database.url);
  const door = createServer((inner) => {
    const outer = connect(Number(port), hostname);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      open.add(from);
      from.on('error', () => {});
      from.on('data', (chunk) => {
        if (!silent) to.write(chunk);
      });
    }
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  const address = door.address();
  assert.ok(address !== null && typeof address === 'object');
  const url = new URL(database.url);
  url.port = String(address.port);
  const store = openStore({ url: url.href, max: 1, takenMaxMs: 500, onError: () => {} });
  t.after(async () => {
    await store.end();
    for (const socket of open) socket.destroy();
    door.close();
  });
  assert.equal((await rows(store, 'select 1')).length, 1);
  silent = true;
  const began = performance.now();
  assert.equal(await rows(store, 'select 1').then(() => 'done', codeOf), 'UNAVAILABLE');
  assert.ok(performance.now() - began < 15_000);
  silent = false;
  assert.equal((await rows(store, 'select 1')).length, 1);
});

test('commits that wait for a standby which is away: none is undone or seen early, and backends stay few', {
  timeout: 60_000,
}, async (t) => {
  const server = await startPostgres();
  t.after(() => server.stop());
  const own = new Pool({ connectionString: server.url });
  own.on('error', () => {});
  const applicationName = 'rekey-test-standby';
  await own.query('create table public.seen (n int)');
  await own.query(`alter system set synchronous_standby_names = 'nobody'`);
  await own.query('select pg_reload_conf()');
  const store = openStore({ url: server.url, max: 3, takenMaxMs: 400, applicationName, onError: () => {} });
  t.after(async () => {
    await store.end();
    await own.end();
  });
  await until(
    async () =>
      (await own.query('show synchronous_standby_names')).rows[0].synchronous_standby_names === 'nobody',
    {
      what: 'commits wait',
    },
  );
  let most = 0;
  let tried = 0;
  let going = true;
  const callers = Array.from({ length: 6 }, async (_, caller) => {
    while (going) {
      tried += 1;
      const write =
        caller % 2 === 0
          ? rows(store, 'insert into public.seen values (1)')
          : inTransaction(store, (tx) => rows(tx, 'insert into public.seen values (1)'));
      await write.catch(() => {});
    }
  });
  for (let look = 0; look < 80; look += 1) {
    most = Math.max(most, await backends(own, applicationName));
    await sleep(100);
  }
  assert.deepEqual(
    (await own.query('select count(*)::int as n from public.seen')).rows,
    [{ n: 0 }],
    'not safe, not seen',
  );
  assert.ok(most <= 9, `${most} backends for a pool of 3`);
  await own.query('alter system reset synchronous_standby_names');
  await own.query('select pg_reload_conf()');
  going = false;
  await Promise.all(callers);
  assert.ok(tried > 6);
  await until(
    () =>
      rows(store, 'insert into public.seen values (2)').then(
        () => true,
        () => false,
      ),
    { what: 'it works again' },
  );
});
