import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noteLongPauses, pauseRotation, resumeRotation } from '@rekey/control';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const steering = { actor: { id: 'ada', name: null, email: null }, reason: null };
const hourMs = 3_600_000;
const told = async (): Promise<string[]> =>
  (await noteLongPauses(core.store, 24 * hourMs)).map(({ rotationId }) => rotationId);
const pausedFor = async (rotationId: string, hours: number): Promise<void> => {
  await pauseRotation(core.store, rotationId, steering);
  await core.pool.query(
    `update rekey.rotations set heartbeat_at = clock_timestamp() - make_interval(hours => $2) where id = $1`,
    [rotationId, hours],
  );
};

test('a rotation that has been paused for a day is told once, and once more when it is paused for another day', async () => {
  const { tenantId } = await core.tenantWith(3);
  const rotationId = await core.start(tenantId);
  await pausedFor(await core.start((await core.tenantWith(3)).tenantId), 23);
  assert.deepEqual(await told(), []);
  await pausedFor(rotationId, 25);
  assert.deepEqual(await told(), [rotationId]);
  assert.deepEqual(await told(), []);
  const { waitingDetail, estimatedCompletion } = await core.view(rotationId);
  assert.match(waitingDetail?.what ?? '', /^paused by ada/);
  assert.notEqual(waitingDetail?.since ?? null, null);
  assert.equal(estimatedCompletion, null);

  await resumeRotation(core.store, rotationId, steering);
  assert.deepEqual(await told(), []);
  await pausedFor(rotationId, 30);
  assert.deepEqual(await told(), [rotationId]);
});
