import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRotation, failRotation, findRotation, storeMaterial, switchDek } from '@rekey/control';
import { makeDek } from '@rekey/keyring';
import { rotate } from '@rekey/rotation';
import { firstSecret, readyToSwitch, rotationCore, switchPatiently } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, vault } = core;

test('of several switches of one rotation at once exactly one happens', async () => {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  const done = await Promise.all(Array.from({ length: 8 }, () => switchPatiently(store, order)));
  assert.deepEqual(done.sort(), ['drained', ...Array.from({ length: 7 }, () => 'not_ours')]);
  assert.deepEqual(await core.deks(tenantId), ['1 deactivated', '2 active']);
});

test('a rotation that is queued, not activating, switches nothing', async () => {
  const tenantId = await core.createTenant();
  const rotationId = await core.start(tenantId);
  const view = await findRotation(store, rotationId);
  assert.ok(view !== null);
  const { previousDekId, newDekId } = view;
  await storeMaterial(store, await makeDek(core.kek, tenantId, newDekId));
  assert.equal(await switchDek(store, { rotationId, tenantId, previousDekId, newDekId }), 'not_ours');
  assert.deepEqual(await core.deks(tenantId), ['1 active', '2 pre_active']);
});

test('a zombie of a cancelled rotation switches nothing, before and after the next one did', async () => {
  const tenantId = await core.createTenant();
  const zombie = await readyToSwitch(core, tenantId);
  await cancelRotation(store, zombie.rotationId);
  const next = await readyToSwitch(core, tenantId);
  assert.equal(await switchDek(store, zombie), 'not_ours');
  assert.equal(await switchDek(store, next), 'drained');
  assert.equal(await switchDek(store, zombie), 'not_ours');
  assert.deepEqual(await core.deks(tenantId), ['1 deactivated', '2 destroyed', '3 active']);
});

test('a switch whose previous DEK is not the active one changes nothing at all', async () => {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  await assert.rejects(switchDek(store, { ...order, previousDekId: randomUUID() }));
  assert.deepEqual(await core.deks(tenantId), ['1 active', '2 pre_active']);
});

test('a switch to a DEK that is not of its rotation leaves the previous one active', async () => {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  for (const newDekId of [randomUUID(), order.previousDekId ?? '']) {
    assert.equal(await switchDek(store, { ...order, newDekId }), 'not_ours');
    assert.deepEqual(await core.deks(tenantId), ['1 active', '2 pre_active']);
    const { rows } = await store.query('select switched_at from rekey.rotations where id = $1', [
      order.rotationId,
    ]);
    assert.deepEqual(rows, [{ switched_at: null }]);
  }
});

test('a switch without naming the previous DEK cannot make a second active one', async () => {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  await assert.rejects(switchDek(store, { ...order, previousDekId: null }));
  assert.deepEqual(await core.deks(tenantId), ['1 active', '2 pre_active']);
});

test('a cancel races a switch: one goes first, and an active DEK there is in either case', async () => {
  const tenants = await Promise.all(Array.from({ length: 12 }, () => core.createTenant()));
  await Promise.all(
    tenants.map(async (tenantId) => {
      const order = await readyToSwitch(core, tenantId);
      const [switched, cancelled] = await Promise.all([
        switchPatiently(store, order),
        cancelRotation(store, order.rotationId),
      ]);
      assert.equal(cancelled.kind, 'changed');
      assert.deepEqual(
        await core.deks(tenantId),
        switched === 'drained' ? ['1 deactivated', '2 active'] : ['1 active', '2 destroyed'],
      );
    }),
  );
});

for (const [how, end] of [
  ['cancel', (rotationId) => cancelRotation(store, rotationId)],
  ['failure', (rotationId) => failRotation(store, rotationId, 'KEK_DENIED')],
] satisfies Array<[string, (rotationId: string) => Promise<unknown>]>) {
  test(`${how} behind the switch leaves the new DEK active, and the next rotation sweeps every older one`, async () => {
    const { tenantId, ids } = await core.tenantWith(5);
    const order = await readyToSwitch(core, tenantId);
    await switchDek(store, order);
    const newer = randomUUID();
    const write = {
      target: 'secrets',
      tenantId,
      id: newer,
      value: firstSecret(newer),
      columns: { name: 'n' },
    };
    await vault.put(write);
    await end(order.rotationId);

    assert.deepEqual(await core.deks(tenantId), ['1 deactivated', '2 active']);
    assert.equal(await rotate(core.env, order.rotationId, new AbortController().signal), 'lost');
    for (const id of [...ids, newer]) {
      assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), firstSecret(id));
    }
    const view = await core.startAndRotate(tenantId);
    assert.equal(view.status, 'completed');
    assert.deepEqual([view.itemsToRotate.secrets, view.itemsRotated.secrets], [6, 6]);
    const { rows } = await store.query('select distinct key_number from secrets where tenant_id = $1', [
      tenantId,
    ]);
    assert.deepEqual(rows, [{ key_number: 3 }]);
    for (const id of [...ids, newer]) {
      assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), firstSecret(id));
    }
  });
}

test('a cancel before the switch destroys the new DEK with its material and frees the tenant', async () => {
  const { tenantId, ids } = await core.tenantWith(2);
  const order = await readyToSwitch(core, tenantId);
  const cancelled = await cancelRotation(store, order.rotationId);
  assert.equal(cancelled.kind, 'changed');
  assert.deepEqual(await core.deks(tenantId), ['1 active', '2 destroyed']);
  const { rowCount } = await store.query('select from rekey.dek_material where dek_id = $1', [
    order.newDekId,
  ]);
  assert.equal(rowCount, 0);
  assert.equal((await cancelRotation(store, order.rotationId)).kind, 'unchanged');
  assert.equal((await cancelRotation(store, randomUUID())).kind, 'not_found');
  assert.equal((await findRotation(store, order.rotationId))?.status, 'cancelled');
  const view = await core.startAndRotate(tenantId);
  assert.equal(view.status, 'completed');
  for (const id of ids)
    assert.deepEqual(await vault.get({ target: 'secrets', tenantId, id }), firstSecret(id));
});

test('a tenant without a DEK gets its first by a rotation', async () => {
  const tenantId = randomUUID();
  await store.query(`insert into rekey.tenants (id, name) values ($1, 'bare')`, [tenantId]);
  const view = await core.startAndRotate(tenantId);
  assert.deepEqual([view.status, view.previousDekId], ['completed', null]);
  assert.deepEqual(await core.deks(tenantId), ['1 active']);
});

test('a tenant without records completes with zeros, at once at 100 percent', async () => {
  const tenantId = await core.createTenant();
  const view = await core.startAndRotate(tenantId);
  const zeros = { credentials: 0, apiKeys: 0, secrets: 0 };
  assert.deepEqual(
    [
      view.status,
      view.phase,
      view.percentComplete,
      view.itemsToRotate,
      view.itemsRotated,
      view.itemsSuperseded,
      view.itemsFailed,
      view.itemsRemaining,
    ],
    ['completed', 'done', 100, zeros, zeros, zeros, zeros, zeros],
  );
  assert.deepEqual(await core.deks(tenantId), ['1 deactivated', '2 active']);
});
