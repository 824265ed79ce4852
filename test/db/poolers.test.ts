import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  inTransaction,
  openClient,
  openStore,
  openSweepStore,
  rows,
  type Store,
  StoreError,
  workerSession,
} from '@rekey/db';
import { createTestDatabase } from '../harness/database.ts';
import { skipWithoutPgbouncer, startPgbouncer } from '../harness/pgbouncer.ts';

const skip = skipWithoutPgbouncer;
const database = await createTestDatabase();

const ask = async (store: Store, setting: string): Promise<string | undefined> =>
  (await rows<{ value: string }>(store, 'select current_setting($1) as value', [setting]))[0]?.value;

const isRefused = (error: unknown): boolean =>
  error instanceof StoreError &&
  error.code === 'UNFIT' &&
  /pooler gives every transaction another session/.test(error.message);

for (const [how, settings] of [
  ['as it comes', []],
  ['told to ignore options', ['ignore_startup_parameters = options,extra_float_digits']],
  ['with one server connection', ['default_pool_size = 1']],
  ['in taking turns', ['server_round_robin = 1']],
] as const) {
  test(`in session mode (${how}) a session has its settings, and keeps them`, { skip }, async (t) => {
    const url = await startPgbouncer(database.url, 'session', settings, t);
    const max = how === 'with one server connection' ? 1 : 4;
    const store = openSweepStore({ url, max, onError: () => {} });
    t.after(() => store.end());
    for (let round = 0; round < 5; round += 1) {
      const values = await Promise.all(Array.from({ length: max }, () => ask(store, 'lock_timeout')));
      assert.deepEqual(
        values,
        Array.from({ length: max }, () => '50ms'),
      );
    }
    assert.equal(await ask(store, 'enable_hashjoin'), 'off');
  });

  test(`in transaction mode (${how}) a worker's, a vault's and a migrator's session is refused by name, and nothing was set`, {
    skip,
  }, async (t) => {
    const url = await startPgbouncer(database.url, 'transaction', settings, t);
    for (const open of [
      () => openStore({ url, onError: () => {} }),
      () => openStore({ url, session: workerSession, onError: () => {} }),
      () => openSweepStore({ url, onError: () => {} }),
    ]) {
      const store = open();
      await assert.rejects(rows(store, 'select 1'), isRefused);
      await assert.rejects(Promise.all(Array.from({ length: 5 }, () => rows(store, 'select 1'))), isRefused);
      await store.end();
    }
    await assert.rejects(openClient({ url }), isRefused);
    // Whoever has the pooler's backends next has them as they were.
    const others = openStore({ url, transactionPooler: 'accept', onError: () => {} });
    t.after(() => others.end());
    for (let look = 0; look < 10; look += 1) {
      assert.equal(await ask(others, 'lock_timeout'), '0');
      assert.equal(await ask(others, 'enable_hashjoin'), 'on');
    }
  });
}

test('a pooler in transaction mode is found while others use it, too', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const url = await startPgbouncer(database.url, 'transaction', ['default_pool_size = 20'], t);
  const others = openStore({ url, transactionPooler: 'accept', max: 12, onError: () => {} });
  let going = true;
  const load = Array.from({ length: 12 }, async () => {
    while (going) await rows(others, 'select pg_sleep(random() * 0.01)').catch(() => {});
  });
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const store = openSweepStore({ url, max: 2, onError: () => {} });
    await assert.rejects(rows(store, 'select 1'), isRefused);
    await store.end();
  }
  going = false;
  await Promise.all(load);
  await others.end();
});

test('who accepts transaction mode has in a transaction what it sets for it', { skip }, async (t) => {
  const url = await startPgbouncer(database.url, 'transaction', [], t);
  const store = openStore({ url, transactionPooler: 'accept', takenMaxMs: 10_000, onError: () => {} });
  t.after(() => store.end());
  for (let round = 0; round < 3; round += 1) {
    const [found] = await inTransaction(store, (tx) =>
      rows(
        tx,
        `select current_setting('lock_timeout') as lock, current_setting('transaction_isolation') as isolation`,
      ),
    );
    assert.deepEqual(found, { lock: '8s', isolation: 'read committed' });
    assert.equal(await ask(store, 'lock_timeout'), '0', 'and nothing stays behind');
  }
});

test('a pooler without a free connection is said to be away, in time', {
  skip,
  timeout: 30_000,
}, async (t) => {
  const url = await startPgbouncer(database.url, 'session', ['default_pool_size = 1'], t);
  const first = openStore({ url, max: 1, onError: () => {} });
  const second = openStore({ url, max: 1, connectTimeoutMs: 700, onError: () => {} });
  const holder = await first.connect();
  t.after(async () => {
    holder.release();
    await Promise.all([first.end(), second.end()]);
  });
  const began = performance.now();
  await assert.rejects(
    rows(second, 'select 1'),
    (error) => error instanceof StoreError && error.code === 'UNAVAILABLE',
  );
  assert.ok(performance.now() - began < 20_000);
});
