import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectionBudget, findConnectionRoom, openStore, roomProblem, rows } from '@rekey/db';
import { Pool } from 'pg';
import { createTestDatabase } from '../harness/database.ts';
import { skipWithoutPgbouncer, startPgbouncer } from '../harness/pgbouncer.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const admin = database.pool();
const onError = (): void => {};

/** Runs `work` and tells the most connections under a name that the server had meanwhile. */
async function most(applicationName: string, work: () => Promise<unknown>): Promise<number> {
  let goesOn = true;
  let found = 0;
  const looking = (async () => {
    while (goesOn) {
      const { rowCount } = await admin.query('select from pg_stat_activity where application_name = $1', [
        applicationName,
      ]);
      found = Math.max(found, rowCount ?? 0);
    }
  })();
  await work();
  goesOn = false;
  await looking;
  return found;
}

test('two pools and what looks beside them keep to their budget, also while connections are made anew all the time', async (t) => {
  const budget = createConnectionBudget(4);
  // `prefer`, the default: a way is looked for with a connection of its own, again after each one that was lost.
  const options = { url: database.url, budget, applicationName: 'budget-kept', onError };
  const stores = [openStore({ ...options, max: 1 }), openStore({ ...options, max: 2 })];
  t.after(() => Promise.all(stores.map((store) => store.end())).then(() => {}));
  assert.equal(budget.pooled, 3);
  let answers = 0;
  const found = await most('budget-kept', () =>
    Promise.all(
      Array.from({ length: 12 }, async (_, caller) => {
        for (let call = 0; call < 10; call += 1) {
          const store = stores[caller % 2];
          assert.ok(store !== undefined);
          const client = await store.connect();
          await client.query('select 1');
          assert.ok(budget.open <= 4);
          client.release(call % 2 === 0);
          answers += 1;
        }
      }),
    ),
  );
  assert.equal(answers, 120);
  assert.ok(found >= 3 && found <= 4, `${found} connections`);
});

test('a pool waits for the place of a connection that is still closing, and a server that is gone does not keep it', async (t) => {
  const { hostname, port } = new URL(database.url);
  let isDeaf = false;
  const sockets = new Set<Socket>();
  const proxy = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect(Number(port), hostname);
    sockets.add(near).add(far);
    near.on('error', () => {}).on('data', (bytes) => isDeaf || far.write(bytes));
    far.on('error', () => {}).on('data', (bytes) => near.write(bytes));
  }).listen(0, '127.0.0.1');
  t.after(async () => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  await once(proxy, 'listening');
  const address = proxy.address();
  const url = new URL(database.url);
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
  const budget = createConnectionBudget(2);
  const store = openStore({ url: `${url.href}?sslmode=disable`, max: 1, budget, onError });
  t.after(() => store.end());
  await rows(store, 'select 1');
  const client = await store.connect();
  isDeaf = true;
  client.release(true);
  assert.equal(budget.open, 1);
  const next = store.connect();
  await sleep(300);
  assert.equal(budget.open, 1, 'it waits');
  isDeaf = false;
  (await next).release();
  assert.equal(budget.open, 1);
});

test('whether there is room is told by server, role and database, whichever has least', async (t) => {
  const name = `room_${process.pid}`;
  await admin.query(`create role ${name} login password 'of-a-test'`);
  t.after(async () => {
    await admin.query(`drop role ${name}`);
  });
  const url = new URL(database.url);
  url.username = name;
  url.password = 'of-a-test';
  const budget = createConnectionBudget(12);
  const store = openStore({ url: url.href, max: 1, budget, onError });
  const room = () => findConnectionRoom(store, budget);
  const setting = async (what: string): Promise<number> =>
    Number((await admin.query<Record<string, string>>(`show ${what}`)).rows[0]?.[what]);
  const reserved =
    (await setting('superuser_reserved_connections')) + (await setting('reserved_connections'));

  const free = await room();
  assert.deepEqual([free.of, free.limit], ['server', (await setting('max_connections')) - reserved]);
  assert.equal(roomProblem(budget, free), null);

  await admin.query(`alter role ${name} connection limit 9`);
  const others = new Pool({ connectionString: url.href, max: 3 });
  const held = await Promise.all([1, 2, 3].map(() => others.connect()));
  const ofRole = await room();
  assert.deepEqual(ofRole, { of: 'role', limit: 9, room: 6 });
  assert.match(roomProblem(budget, ofRole) ?? '', /DATABASE_CONNECTIONS_MAX is 12.* room for 6 .*role.*: 9/);
  assert.equal(roomProblem(createConnectionBudget(6), ofRole), null);

  const { pathname } = url;
  await admin.query(`alter database "${pathname.slice(1)}" connection limit 5`);
  const ofDatabase = await room();
  assert.deepEqual([ofDatabase.of, ofDatabase.limit], ['database', 5]);
  assert.ok(ofDatabase.room <= 2, `${ofDatabase.room}`);
  for (const client of held) client.release();
  await others.end();
  await store.end();
});

test('behind a pooler that keeps sessions a budget is what its pool has to have', {
  skip: skipWithoutPgbouncer,
}, async (t) => {
  const url = await startPgbouncer(database.url, 'session', ['default_pool_size = 4']);
  const budget = createConnectionBudget(4);
  const options = { url, budget, applicationName: 'budget-pooled', queueTimeoutMs: 15_000, onError };
  const stores = [openStore({ ...options, max: 1 }), openStore({ ...options, max: 2 })];
  t.after(() => Promise.all(stores.map((store) => store.end())).then(() => {}));
  await Promise.all(
    Array.from({ length: 30 }, async (_, call) => {
      const store = stores[call % 2];
      assert.ok(store !== undefined);
      await rows(store, 'select pg_sleep(0.01)');
    }),
  );
  await until(async () => budget.open <= 3, { what: 'what looked beside them is closed' });
});
