import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRotation, drainOlder, switchDek } from '@rekey/control';
import type { PoolClient } from 'pg';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, vault, database } = core;

const hold = async (on: PoolClient, tenantId: string): Promise<number | undefined> =>
  (await on.query('select key_number from rekey.hold_dek($1)', [tenantId])).rows[0]?.key_number;

/** A tenant with a switched rotation whose older DEK one open transaction holds. */
async function drainingTenant(owner: Parameters<typeof sessionsOn>[1]) {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  const { begin } = sessionsOn(database, owner);
  const holder = await begin();
  assert.equal(await hold(holder, tenantId), 1);
  assert.equal(await switchDek(store, order), 'draining');
  return { tenantId, order, holder, begin };
}

test('writers that never stop overlapping are waited for by nobody, wait for nobody, and none of them loses', async (t) => {
  const tenantId = await core.createTenant();
  const pool = database.pool({ max: 16 });
  const acknowledged = new Map<string, string>();
  let writing = true;
  let switched = false;
  let writtenAfter = 0;
  const writer = async (): Promise<void> => {
    const id = randomUUID();
    const client = await pool.connect();
    const record = { target: 'secrets', tenantId, id, columns: { name: 'n' }, client };
    try {
      for (let n = 0; writing; n += 1) {
        const value = `${id} ${n}`;
        await client.query('begin');
        await vault.put({ ...record, value: Buffer.from(value) });
        await client.query('select pg_sleep(0.02)');
        await client.query('commit');
        acknowledged.set(id, value);
        if (switched) writtenAfter += 1;
      }
    } finally {
      client.release(true);
    }
  };
  const switching = async (): Promise<number> => {
    const order = await readyToSwitch(core, tenantId);
    await until(() => acknowledged.size === 16, { what: 'every writer has written' });
    const before = performance.now();
    assert.notEqual(await switchDek(store, order), 'not_ours');
    const tookMs = performance.now() - before;
    switched = true;
    await until(() => writtenAfter >= 32, { what: 'writes after the switch' });
    await until(() => drainOlder(store, tenantId), { what: 'the older DEK drains while they write on' });
    return tookMs;
  };
  const stop = (): void => {
    writing = false;
  };
  const [tookMs] = await Promise.all([switching().finally(stop), ...Array.from({ length: 16 }, writer)]);

  t.diagnostic(`the switch took ${Math.round(tookMs)} ms against 16 writers with 20 ms transactions`);
  assert.equal(acknowledged.size, 16);
  for (const [id, value] of acknowledged) {
    assert.equal((await vault.get({ target: 'secrets', tenantId, id }))?.toString(), value);
  }
});

test('who holds a DEK writes on under it after the switch, others under the new one at once', async (t) => {
  const { tenantId, holder, begin } = await drainingTenant(t);
  const other = await begin();
  await other.query(`set local lock_timeout = '50ms'`);
  assert.equal(await hold(other, tenantId), 2);
  await insertSecret(other, tenantId, 2);
  await insertSecret(holder, tenantId, 1);
  assert.equal(await drainOlder(store, tenantId), false);
  await insertSecret(holder, tenantId, 1);
  await holder.query('commit');
  assert.equal(await drainOlder(store, tenantId), true);
  assert.equal(await sqlState(insertSecret(store, tenantId, 1)), 'RK001');
});

test('a transaction that is younger than the switch cannot take the older DEK up again, so the drain ends', async (t) => {
  const { tenantId, begin } = await drainingTenant(t);
  assert.equal(await drainOlder(store, tenantId), false); // sets the horizon
  assert.equal(await sqlState(insertSecret(await begin(), tenantId, 1)), 'RK001');
});

test('a transaction that got its number before the switch, and holds nothing, may still write under the older DEK', async (t) => {
  const tenantId = await core.createTenant();
  await core.startAndRotate(tenantId); // of eight locks those that nobody holds close at once; the second DEK has one
  const order = await readyToSwitch(core, tenantId);
  const { begin } = sessionsOn(database, t);
  const [holder, old] = [await begin(), await begin()];
  await hold(holder, tenantId);
  await old.query('select pg_current_xact_id()');
  await switchDek(store, order);
  await drainOlder(store, tenantId);
  await insertSecret(old, tenantId, 2);
  await holder.query('commit');
  assert.equal(await drainOlder(store, tenantId), false, 'the old one holds it now');
  await old.query('commit');
  assert.equal(await drainOlder(store, tenantId), true);
});

test('no range is proved and nothing completes while an older DEK drains; afterwards all of it is', async (t) => {
  const { tenantId, ids } = await core.tenantWith(5);
  const order = await readyToSwitch(core, tenantId);
  const holder = await sessionsOn(database, t).begin();
  await hold(holder, tenantId);
  await switchDek(store, order);
  await core.rotateOnce(order.rotationId);
  const proved = async (): Promise<number | undefined> =>
    (
      await store.query(
        'select count(*)::int as proved from rekey.rotation_ranges where rotation_id = $1 and proved_at is not null',
        [order.rotationId],
      )
    ).rows[0]?.proved;
  assert.equal(await proved(), 0);
  const late = await insertSecret(holder, tenantId, 1); // behind the sweep's back: nothing opens it
  await holder.query('commit');
  const view = await core.finish(order.rotationId);
  assert.equal(view.status, 'completed_with_failures');
  assert.deepEqual([view.itemsRotated.secrets, view.itemsFailed.secrets], [ids.length, 1]);
  assert.ok(view.switchedAt !== null && view.drainedAt !== null && view.drainedAt >= view.switchedAt);
  const { rows } = await store.query('select record_id from rekey.rotation_failures where rotation_id = $1', [
    order.rotationId,
  ]);
  assert.deepEqual(rows, [{ record_id: late }]);
});

test('a statement that knows nothing of the drain proves no range and ends no rotation', async () => {
  const { tenantId } = await core.tenantWith(1);
  const order = await readyToSwitch(core, tenantId);
  await switchDek(store, order);
  await store.query(
    `insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned) select $1, name, 0, 0 from rekey.targets`,
    [order.rotationId],
  );
  const prove = 'update rekey.rotation_ranges set proved_at = now() where rotation_id = $1';
  assert.equal(await sqlState(store.query(prove, [order.rotationId])), 'RK007');
});

test('a worker of an earlier version is told to wait instead of switching', async () => {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  const old = store.query('select rekey.switch_dek($1, $2, $3, $4, 100)', [
    order.rotationId,
    tenantId,
    order.previousDekId,
    order.newDekId,
  ]);
  assert.equal(await sqlState(old), 'RK007');
  assert.deepEqual(await core.deks(tenantId), ['1 active', '2 pre_active']);
});

test('a rotation that is cancelled while it drains leaves both DEKs to the next one', async (t) => {
  const { tenantId, order, holder } = await drainingTenant(t);
  await cancelRotation(store, order.rotationId);
  const next = await readyToSwitch(core, tenantId);
  assert.equal(await switchDek(store, next), 'draining');
  await insertSecret(holder, tenantId, 1);
  await holder.query('commit');
  assert.equal(await drainOlder(store, tenantId), true);
  const { rows } = await store.query(
    'select count(*)::int as open from rekey.dek_locks where tenant_id = $1 and closed_at is null and key_number < 3',
    [tenantId],
  );
  assert.deepEqual(rows, [{ open: 0 }]);
});

test('a DEK that drains is not destroyed', async (t) => {
  const { tenantId, holder } = await drainingTenant(t);
  const destroy = (): Promise<unknown> =>
    store.query(`update rekey.deks set state = 'destroyed' where tenant_id = $1 and key_number = 1`, [
      tenantId,
    ]);
  assert.equal(await sqlState(destroy()), 'RK003');
  await holder.query('rollback');
  await destroy();
});

test('a DEK that is declared compromised is refused to those who hold it, at their next write', async (t) => {
  const { tenantId, holder } = await drainingTenant(t);
  await insertSecret(holder, tenantId, 1);
  await store.query(
    `update rekey.deks set state = 'compromised' where tenant_id = $1 and state = 'deactivated'`,
    [tenantId],
  );
  assert.equal(await sqlState(insertSecret(holder, tenantId, 1)), 'RK001');
});

for (const isolation of ['repeatable read', 'serializable'] as const) {
  test(`a ${isolation} writer whose snapshot is older than the drain gets 40001, whatever key it names`, async (t) => {
    const tenantId = await core.createTenant();
    const { begin } = sessionsOn(database, t);
    for (const keyNumber of [1, 2]) {
      const writer = await begin(isolation);
      await writer.query('select count(*) from secrets'); // the snapshot is taken here
      await core.startAndRotate(tenantId);
      assert.equal(await sqlState(insertSecret(writer, tenantId, keyNumber === 1 ? 1 : 3)), '40001');
      await writer.query('rollback');
    }
    const { rowCount } = await store.query('select from secrets where tenant_id = $1', [tenantId]);
    assert.equal(rowCount, 0);
  });
}
