import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore, type Store } from '@rekey/db';
import { createVault, type Vault } from '@rekey/vault';
import { patient } from '../harness/patient.ts';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { kek } = core;

/** An application: its own pool of so many connections, and a vault on it. */
function application(t: TestContext, max: number, prefetch: boolean): { store: Store; vault: Vault } {
  const store = openStore({
    connectTimeoutMs: patient.connectTimeoutMs,
    url: core.database.url,
    max,
    onError: () => {},
  });
  const vault = createVault({ store, kek, prefetch });
  t.after(async () => {
    await vault.close();
    await store.end();
  });
  return { store, vault };
}

for (const prefetch of [true, false]) {
  for (const max of [1, 2, 10]) {
    test(`a pool of ${max} in full use by transactions with puts does not stall, cold or at a switch (prefetch ${prefetch})`, async (t) => {
      const { tenantId, ids } = await core.tenantWith(40);
      const { store, vault } = application(t, max, prefetch);
      let running = true;
      let slowest = 0;
      let done = 0;
      const last = new Map<string, string>();
      const transactions = async (k: number): Promise<void> => {
        for (let n = 0; running; n += 1) {
          const id = ids[(k * 4 + (n % 4)) % ids.length] ?? '';
          const client = await store.connect();
          const began = performance.now();
          try {
            await client.query('begin');
            await vault.put({ target: 'secrets', tenantId, id, value: Buffer.from(`${k} ${n}`), client });
            assert.equal(
              (await vault.get({ target: 'secrets', tenantId, id, client }))?.toString(),
              `${k} ${n}`,
            );
            await client.query('commit');
            last.set(id, `${k} ${n}`);
            done += 1;
          } finally {
            client.release();
            slowest = Math.max(slowest, performance.now() - began);
          }
        }
      };
      const all = Promise.all(Array.from({ length: max }, (_, k) => transactions(k)));
      const rotating = (async () => {
        for (let n = 0; n < 2; n += 1) {
          const seen = done;
          await until(() => done > seen + 3 * max, { what: 'transactions go on' });
          assert.equal((await core.startAndRotate(tenantId)).status, 'completed');
        }
      })().finally(() => {
        running = false;
      });
      await Promise.all([all, rotating]);
      t.diagnostic(`${done} transactions, the slowest ${Math.round(slowest)} ms`);
      assert.ok(slowest < 7_000, `${slowest} ms: waited for a connection of its own pool`);
      for (const [id, value] of last) {
        assert.equal((await core.vault.get({ target: 'secrets', tenantId, id }))?.toString(), value);
      }
    });
  }
}

test('a vault on a pool of one, as in a serverless function, gets and puts', async (t) => {
  const { tenantId, ids } = await core.tenantWith(1);
  const { vault } = application(t, 1, true);
  const record = { target: 'secrets', tenantId, id: ids[0] ?? '' };
  const began = performance.now();
  await Promise.all([vault.get(record), vault.put({ ...record, value: Buffer.of(1) }), vault.get(record)]);
  assert.deepEqual(await vault.get(record), Buffer.of(1));
  assert.ok(performance.now() - began < 7_000);
});

test('with prefetch, a put after a switch finds the DEK and its seals at hand', async (t) => {
  const { tenantId, ids } = await core.tenantWith(1);
  const { store, vault } = application(t, 2, true);
  const put = { target: 'secrets', tenantId, id: ids[0] ?? '', value: Buffer.of(1) };
  await vault.put(put);
  // What is told before it listens is lost to it.
  const listening = `select from pg_stat_activity where datname = current_database() and query = 'listen rekey_deks'`;
  await until(async () => (await core.store.query(listening)).rowCount !== 0, { what: 'the vault listens' });
  await core.startAndRotate(tenantId);
  const seals = async (): Promise<unknown[]> =>
    (
      await core.store.query(
        `select d.key_number, sum(s.seals) from rekey.dek_seals s join rekey.deks d on d.id = s.dek_id
         where d.tenant_id = $1 group by 1 order by 1`,
        [tenantId],
      )
    ).rows;
  await until(async () => (await seals()).length === 2, { what: 'seals of the new DEK are reserved' });
  const before = kek.calls.unwrap;
  const reserved = await seals();
  let transactions = 0;
  store.on('acquire', () => {
    transactions += 1;
  });
  await vault.put(put);
  assert.equal(transactions, 1, 'one attempt sufficed');
  assert.equal(kek.calls.unwrap, before);
  assert.deepEqual(await seals(), reserved);
});

test('a vault that only reads reserves no seals', async (t) => {
  const { tenantId, ids } = await core.tenantWith(1);
  const { vault } = application(t, 2, true);
  await vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '' });
  await core.startAndRotate(tenantId);
  await vault.get({ target: 'secrets', tenantId, id: ids[0] ?? '' });
  await sleep(200);
  const { rows } = await core.store.query(
    `select d.key_number from rekey.dek_seals s join rekey.deks d on d.id = s.dek_id where d.tenant_id = $1`,
    [tenantId],
  );
  assert.deepEqual(rows, [{ key_number: 1 }]); // of the vault that put it
});

test('fifty large puts at once under a cold key share what is reserved, and none gives up', async (t) => {
  const tenantId = await core.createTenant();
  const { vault } = application(t, 4, false);
  const puts = Array.from({ length: 50 }, () => {
    const records = Array.from({ length: 400 }, () => ({
      id: randomUUID(),
      value: Buffer.of(1),
      columns: { name: 'n' },
    }));
    return vault.putMany({ target: 'secrets', tenantId, records });
  });
  await Promise.all(puts);
  const { rows } = await core.store.query('select count(*)::int as n from secrets where tenant_id = $1', [
    tenantId,
  ]);
  assert.deepEqual(rows, [{ n: 20_000 }]);
});

test('a closed vault lets go of its connections and says that it is closed', async () => {
  const { tenantId, ids } = await core.tenantWith(1);
  const store = openStore({
    connectTimeoutMs: patient.connectTimeoutMs,
    url: core.database.url,
    applicationName: 'closing',
    onError: () => {},
  });
  const vault = createVault({ store, kek });
  const record = { target: 'secrets', tenantId, id: ids[0] ?? '' };
  await vault.get(record);
  await Promise.all([vault.close(), vault.close()]);
  await store.end();
  const connections = async (): Promise<number | null> =>
    (await core.store.query(`select from pg_stat_activity where application_name = 'closing'`)).rowCount;
  await until(async () => (await connections()) === 0, { what: 'no connection is left' });
  for (const late of [vault.get(record), vault.put({ ...record, value: Buffer.of(1) })]) {
    await assert.rejects(late, { name: 'VaultError', code: 'UNAVAILABLE' });
  }
});
