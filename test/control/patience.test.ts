/** How long a cause that may be one worker's own fault is waited out: by the time in which somebody could meet it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failRotation, pauseRotation, resumeRotation, takeUp } from '@rekey/control';
import { endsRotation } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, pool } = core;
const steering = {
  actor: { kind: 'user', realm: '', id: 'ada', name: null, email: null },
  reason: null,
} as const;

/** Called for so long ago. */
async function called(interval: string): Promise<string> {
  const rotationId = await core.start(await core.createTenant());
  await pool.query('update rekey.rotations set started_at = started_at - $2::interval where id = $1', [
    rotationId,
    interval,
  ]);
  return rotationId;
}
/** And taken up as long ago. */
async function takenUp(interval: string): Promise<string> {
  const rotationId = await called(interval);
  assert.notEqual(await takeUp(store, rotationId), null);
  await pool.query(
    `update rekey.rotations set phase_times = jsonb_build_object('activating', started_at) where id = $1`,
    [rotationId],
  );
  return rotationId;
}
const reasons = [
  ['KEK_DENIED', '25 hours'],
  ['OLD_KEY_UNUSABLE', '1 hour'],
] as const;

for (const [reason, interval] of reasons) {
  test(`${reason}: one that was queued for ${interval} does not end at the first refusal`, async () => {
    const rotationId = await called(interval);
    assert.notEqual(await takeUp(store, rotationId), null);
    assert.equal(await failRotation(store, rotationId, reason, endsRotation), 'goes_on');
  });

  test(`${reason}: nor one that was paused for ${interval}; one that was tried as long does`, async () => {
    const rotationId = await takenUp(interval);
    await pauseRotation(store, rotationId, steering);
    await resumeRotation(store, rotationId, steering);
    assert.notEqual(await takeUp(store, rotationId), null);
    assert.equal(await failRotation(store, rotationId, reason, endsRotation), 'goes_on');

    const tried = await takenUp(interval);
    const ended = await failRotation(store, tried, reason, endsRotation);
    assert.ok(ended !== null && ended !== 'goes_on');
    assert.deepEqual([ended.view.status, ended.view.failureReason], ['failed', reason]);
  });
}
