import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { findRotation, findUnattended, takeUp } from '@rekey/control';
import { claimRange, openRanges } from '@rekey/data';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store } = core;

/** As the database's clock finds it after it stepped back an hour: every time that was stored lies ahead. */
async function stepBack(rotationId: string): Promise<void> {
  await store.query(
    `update rekey.rotations set heartbeat_at = clock_timestamp() + interval '1 hour' where id = $1`,
    [rotationId],
  );
  await store.query(
    `update rekey.rotation_ranges set heartbeat_at = clock_timestamp() + interval '1 hour' where rotation_id = $1`,
    [rotationId],
  );
}

test('a rotation whose worker died before the clock stepped back is found, not waited for an hour', async () => {
  const tenantId = await core.createTenant();
  const rotationId = await core.start(tenantId);
  await takeUp(store, rotationId);
  assert.deepEqual((await findUnattended(store)).rotations, []);
  await stepBack(rotationId);
  const { rotations, overdue } = await findUnattended(store);
  assert.deepEqual(rotations, [{ rotationId, tenantId, compromise: false }]);
  assert.deepEqual(overdue.rotations, [{ rotationId, tenantId, compromise: false }]);
  assert.equal((await findRotation(store, rotationId))?.waitingFor, 'worker');
});

test('a range whose owner died before the clock stepped back is claimed by another', async () => {
  const tenantId = await core.createTenant();
  const order = await readyToSwitch(core, tenantId);
  await store.query('select rekey.switch_to_dek($1, $2, $3, $4)', [
    order.rotationId,
    tenantId,
    order.previousDekId,
    order.newDekId,
  ]);
  await store.query(
    `insert into rekey.rotation_ranges (rotation_id, target, ordinal, planned) values ($1, 'secrets', 0, 0)`,
    [order.rotationId],
  );
  const [range] = await openRanges(store, order.rotationId);
  assert.ok(range);
  assert.ok(await claimRange(store, range, randomUUID()));
  assert.equal(await claimRange(store, range, randomUUID()), null);
  await stepBack(order.rotationId);
  assert.ok(await claimRange(store, range, randomUUID()));
});
