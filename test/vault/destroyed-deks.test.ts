import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Vault } from '@rekey/vault';
import { pastTheTriggers } from '../harness/damage.ts';
import { firstSecret, rotationCore } from '../harness/rotation.ts';
import { outcome } from '../harness/vault-errors.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store } = core;

/**
 * A tenant's one DEK, which a vault has at hand, and the record that it seals. Destroyed past the guards, since what
 * tells that a vault holds it no more is that the record does not open.
 */
async function destroyable(vault: Vault) {
  const { tenantId, ids } = await core.tenantWith(1);
  const [id = ''] = ids;
  const get = (): Promise<Buffer | null> => vault.get({ target: 'secrets', tenantId, id });
  assert.deepEqual(await get(), firstSecret(id));
  return {
    tenantId,
    get,
    destroy: () =>
      pastTheTriggers(core.database.pool(), (tx) =>
        tx.query(`update rekey.deks set state = 'destroyed' where tenant_id = $1`, [tenantId]),
      ),
  };
}

async function listener(): Promise<number | undefined> {
  const { rows } = await store.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and query = 'listen rekey_deks'`,
  );
  return rows[0]?.pid;
}

test('a vault drops a destroyed DEK as soon as it is told', async () => {
  const vault = core.anotherVault({ prefetch: true });
  const { tenantId, get, destroy } = await destroyable(vault);
  await until(listener, { what: 'it listens' });
  await destroy();
  await sleep(100);
  assert.equal(await outcome(get()), 'done', 'nobody has said so yet');
  await store.query(`select pg_notify('rekey_deks', $1)`, [tenantId]);
  await until(async () => (await outcome(get())) === 'UNREADABLE', { what: 'it is dropped' });
  await vault.close();
});

test('a vault that was cut off while it was told looks when it listens again', async () => {
  const vault = core.anotherVault({ prefetch: true });
  const { get, destroy } = await destroyable(vault);
  const before = await until(listener, { what: 'it listens' });
  await store.query('select pg_terminate_backend($1)', [before]);
  await destroy();
  await until(async () => (await outcome(get())) === 'UNREADABLE', { what: 'it is dropped' });
  await vault.close();
});

test('a vault that does not listen drops it in time', async () => {
  const vault = core.anotherVault({ prefetch: false, dekAgeMaxMs: 1_000 });
  const { get, destroy } = await destroyable(vault);
  await destroy();
  const began = performance.now();
  await until(async () => (await outcome(get())) === 'UNREADABLE', { what: 'it is dropped' });
  assert.ok(performance.now() - began < 10_000);
  await vault.close();
});

test('what is at hand stays there over a lost connection, and needs no KMS', async () => {
  const vault = core.anotherVault({ prefetch: true });
  const { get } = await destroyable(vault);
  const before = await until(listener, { what: 'it listens' });
  const { unwrap } = core.kek.calls;
  await store.query('select pg_terminate_backend($1)', [before]);
  await until(async () => ![undefined, before].includes(await listener()), { what: 'it listens again' });
  assert.equal(await outcome(get()), 'done');
  assert.equal(core.kek.calls.unwrap, unwrap);
  await vault.close();
});
