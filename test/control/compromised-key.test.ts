/** What a rotation because of a compromised key does to the key, and what is recorded of it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  cancelRotation,
  declareCompromised,
  drainOlder,
  registerKek,
  storeMaterial,
  switchDek,
} from '@rekey/control';
import { makeDek } from '@rekey/keyring';
import { rotate } from '@rekey/rotation';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { insertSecret } from '../harness/sealed.ts';
import { sessionsOn, sqlState } from '../harness/session.ts';
import { until } from '../harness/wait.ts';
import { compromising, forever, hold, steering } from './compromising.ts';

const core = await rotationCore();
const { store, database, pool } = core;
const { compromise, readyToSwitchCompromised } = compromising(core);

test('the declared key has to be the active one', async () => {
  const tenantId = await core.createTenant();
  const { id } = await core.activeKey(tenantId);
  await core.startAndRotate(tenantId);
  assert.deepEqual(await core.tryToStart(tenantId, { compromise: true, activeDekId: id }), {
    kind: 'not_active',
  });
  assert.equal(await declareCompromised(store, id, steering), 'deactivated');
  assert.equal(await declareCompromised(store, id, steering), 'compromised');
  const started = await core.tryToStart(tenantId, {
    compromise: true,
    activeDekId: (await core.activeKey(tenantId)).id,
  });
  assert.ok(started.kind === 'started');
  assert.equal(await declareCompromised(store, started.view.newDekId, steering), 'pre_active');
  assert.equal(await declareCompromised(store, randomUUID(), steering), null);
  assert.deepEqual(await core.deks(tenantId), ['1 compromised', '2 active', '3 pre_active']);
});

for (const isolation of ['read committed', 'repeatable read', 'serializable'] as const) {
  test(`${isolation}: from the switch on nothing is written under the compromised key, not by who holds it`, async (t) => {
    const tenantId = await core.createTenant();
    const { begin } = sessionsOn(database, t);
    const order = await readyToSwitchCompromised(tenantId);
    const [holder, late] = [await begin(isolation), await begin(isolation)];
    assert.equal(await hold(holder, tenantId), 1);
    await insertSecret(holder, tenantId, 1);
    await late.query('select 1 from rekey.tenants limit 1');
    assert.equal(await switchDek(store, order), 'draining');
    assert.deepEqual(await core.deks(tenantId), ['1 compromised', '2 active']);
    const refused = isolation === 'read committed' ? 'RK001' : '40001';
    assert.equal(await sqlState(insertSecret(late, tenantId, 1)), refused);
    // The one of before the switch is in a transaction of before the switch: it may be committed, or ended.
    assert.equal(await sqlState(insertSecret(holder, tenantId, 1)), refused);
    const fresh = await begin();
    await fresh.query(`set local lock_timeout = '50ms'`);
    assert.equal(await hold(fresh, tenantId), 2);
    await insertSecret(fresh, tenantId, 2);
    await fresh.query('commit');
  });
}

test('a repeatable read that is younger than the switch writes under the new key as ever', async (t) => {
  const tenantId = await core.createTenant();
  await core.finish((await compromise(tenantId)).view.id);
  const writer = await sessionsOn(database, t).begin('repeatable read');
  assert.equal(await hold(writer, tenantId), 2);
  await insertSecret(writer, tenantId, 2);
  await writer.query('commit');
});

test('of a rotation that drains, who holds the key that it was leaving is refused from the call on', async (t) => {
  const tenantId = await core.createTenant();
  const { begin } = sessionsOn(database, t);
  const order = await readyToSwitch(core, tenantId);
  const [older, newer] = [await begin(), await begin()];
  await hold(older, tenantId);
  assert.equal(await switchDek(store, order), 'draining');
  assert.equal(await hold(newer, tenantId), 2);
  const next = await readyToSwitchCompromised(tenantId);
  assert.deepEqual(await core.deks(tenantId), ['1 compromised', '2 active', '3 pre_active']);
  assert.equal(await sqlState(insertSecret(older, tenantId, 1)), 'RK001');
  await insertSecret(newer, tenantId, 2);
  assert.equal(await switchDek(store, next), 'draining');
  assert.equal(await sqlState(insertSecret(newer, tenantId, 2)), 'RK001');
  assert.deepEqual(await core.deks(tenantId), ['1 compromised', '2 compromised', '3 active']);
  // Postgres tells a session of its error before it has let go of what the session's transaction held.
  await until(() => drainOlder(store, tenantId), { what: 'both were refused, so neither holds anything' });
  assert.equal((await core.finish(next.rotationId)).status, 'completed');
});

test('a named KEK wraps the new key, or nothing does', async () => {
  const tenantId = await core.createTenant();
  await registerKek(pool, 'other', 'local:other');
  assert.deepEqual(await core.tryToStart(tenantId, { kek: 'nobody' }), { kind: 'kek_not_found' });
  const started = await core.tryToStart(tenantId, { kek: 'other', compromise: true });
  assert.ok(started.kind === 'started');
  const { id, newDekId } = started.view;
  await assert.rejects(core.rotateOnce(id), { code: 'NOT_HELD' });
  await assert.rejects(storeMaterial(store, await makeDek(core.kek, tenantId, newDekId)), {
    code: 'REFUSED',
  });
  await cancelRotation(store, id);

  await registerKek(pool, 'this', core.kek.id);
  const again = await core.tryToStart(tenantId, { kek: 'this', compromise: true });
  assert.ok(again.kind === 'started');
  assert.equal((await core.finish(again.view.id)).status, 'completed');
});

test('events say who declared it, by which rotation and why', async () => {
  const tenantId = await core.createTenant();
  const ordinary = await core.start(tenantId);
  const started = await core.tryToStart(tenantId, { compromise: true, reason: 'a laptop was lost' });
  assert.ok(started.kind === 'started');
  await rotate(core.env, started.view.id, forever);
  const { rows } = await pool.query(
    `select kind, rotation_id as rotation, actor ->> 'id' as who, payload from rekey.events where chain = $1
       and kind in ('rotation.requested', 'rotation.cancelled', 'key.compromised') order by sequence`,
    [tenantId],
  );
  const [, cancelled, requested, compromised] = rows;
  assert.equal(rows.length, 4);
  assert.deepEqual(
    [cancelled?.kind, cancelled?.rotation, cancelled?.who, cancelled?.payload.supersededBy],
    ['rotation.cancelled', ordinary, 'ada', started.view.id],
  );
  assert.deepEqual(
    [requested?.kind, requested?.rotation, requested?.payload.compromise, requested?.payload.reason],
    ['rotation.requested', started.view.id, true, 'a laptop was lost'],
  );
  assert.deepEqual(
    [compromised?.kind, compromised?.rotation, compromised?.payload.keyNumber, compromised?.payload.from],
    ['key.compromised', started.view.id, 1, 'deactivated'],
  );
});
