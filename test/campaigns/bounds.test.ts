import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRotation, settleCampaigns, startMember, steerCampaign } from '@rekey/control';
import { ada, campaigning } from './campaigning.ts';

const { core, tenants, begin, view, look, running, states, rotationsOf } = await campaigning();
const { store, pool } = core;
const steer = (id: string, wanted: 'paused' | 'in_progress' | 'cancelled') =>
  steerCampaign(store, id, wanted, { actor: ada, reason: null });
const cancel = (rotationId: string) => cancelRotation(store, rotationId, { actor: ada });

test('never more at once than allowed, the next when one has ended, and each of them once', async () => {
  const tenantIds = await tenants(5);
  const id = await begin({ whom: { tenantIds }, atOnceMax: 2 });
  assert.deepEqual([await look(), await look()], [2, 0]);
  for (let ended = 0; ended < 5; ended += 1) {
    const [next = ''] = await running(id);
    await core.finish(next);
    await look();
    assert.equal((await running(id)).length, Math.min(2, 4 - ended));
  }
  const { status, completedAt, byState } = await view(id);
  assert.deepEqual([status, completedAt !== null, byState.completed], ['completed', true, 5]);
  assert.deepEqual(await rotationsOf(id), new Map(tenantIds.map((tenantId) => [tenantId, 1])));
});

test('canaries come first, and nobody else until all of them have ended well', async () => {
  const tenantIds = await tenants(5);
  await core.start(tenantIds[0] ?? '');
  const id = await begin({ whom: { tenantIds }, canaries: 2 });
  // One of those had a rotation: it is no canary.
  assert.equal(await look(), 2);
  assert.deepEqual(await states(id), [
    'skipped rotation_in_progress',
    'running',
    'running',
    'waiting',
    'waiting',
  ]);
  const [one = '', two = ''] = await running(id);
  await core.finish(one);
  assert.equal(await look(), 0);
  assert.equal((await view(id)).waitingFor, 'canaries');
  await core.finish(two);
  assert.equal(await look(), 2);
  await steer(id, 'cancelled');
  for (const rotationId of await running(id)) await cancel(rotationId);
  await look();
});

test('a canary that does not end well stops it; whoever resumes accepts that', async () => {
  const tenantIds = await tenants(3);
  const id = await begin({ whom: { tenantIds }, canaries: 1, failuresMax: 1 });
  assert.equal(await look(), 1);
  const [canary = ''] = await running(id);
  await cancel(canary);
  assert.equal(await look(), 0);
  const stopped = await view(id);
  assert.deepEqual([stopped.status, stopped.stoppedFor], ['paused', 'canary']);
  assert.equal((await steer(id, 'in_progress')).kind, 'changed');
  assert.equal(await look(), 2);
  for (const rotationId of await running(id)) await core.finish(rotationId);
  await look();
  assert.equal((await view(id)).status, 'completed_with_failures');
  const { rows } = await pool.query(
    `select kind, payload ->> 'stoppedFor' as why, actor ->> 'kind' as by from rekey.events
     where payload ->> 'campaignId' = $1 order by sequence`,
    [id],
  );
  assert.deepEqual(
    rows.map(({ kind, why, by }) => [kind, why, by]),
    [
      ['campaign.requested', null, 'user'],
      ['campaign.stopped', 'canary', 'campaign'],
      ['campaign.resumed', null, 'user'],
      ['campaign.completed_with_failures', null, 'campaign'],
    ],
  );
});

test('it stops after so many failures, and again after so many more', async () => {
  const id = await begin({ whom: { tenantIds: await tenants(6) }, failuresMax: 2, atOnceMax: 1 });
  for (const stands of ['in_progress', 'paused', 'in_progress', 'paused']) {
    await look();
    const [next = ''] = await running(id);
    await cancel(next);
    await settleCampaigns(store);
    const { status, stoppedFor } = await view(id);
    assert.deepEqual([status, stoppedFor], [stands, stands === 'paused' ? 'failures' : null]);
    if (stands === 'paused') await steer(id, 'in_progress');
  }
  await steer(id, 'cancelled');
});

test('no more within an hour than allowed', async () => {
  const id = await begin({ whom: { tenantIds: await tenants(4) }, perHourMax: 3 });
  assert.equal(await look(), 3);
  for (const rotationId of await running(id)) await core.finish(rotationId);
  assert.equal(await look(), 0);
  assert.equal((await view(id)).waitingFor, 'per_hour');
  await pool.query('alter table rekey.campaign_members disable trigger user');
  await pool.query(
    `update rekey.campaign_members set started_at = started_at - interval '1 hour' where campaign_id = $1`,
    [id],
  );
  await pool.query('alter table rekey.campaign_members enable trigger user');
  assert.equal(await look(), 1);
  await cancel((await running(id))[0] ?? '');
  await look();
});

test('a compromised key comes first: nobody is started meanwhile, and who was is followed to the end of it', async () => {
  const tenantIds = await tenants(2);
  const id = await begin({ whom: { tenantIds }, atOnceMax: 1 });
  assert.equal(await look(), 1);
  const [ordinary = ''] = await running(id);
  const [affected = ''] = tenantIds;
  const replaced = await core.tryToStart(affected, { compromise: true });
  assert.equal(replaced.kind, 'started');
  assert.equal((await core.view(ordinary)).status, 'cancelled');
  const elsewhere = await begin({ whom: { tenantIds: await tenants(1) } });
  assert.equal(await look(), 0);
  assert.equal((await view(elsewhere)).waitingFor, 'compromise');
  const [followed = ''] = await running(id);
  assert.notEqual(followed, ordinary);
  await core.finish(followed);
  assert.equal(await look(), 2);
  assert.equal((await states(id))[0], 'completed');
  for (const one of [id, elsewhere]) await steer(one, 'cancelled');
  for (const one of [id, elsewhere]) for (const rotationId of await running(one)) await cancel(rotationId);
  await look();
});

test('what became of a tenant, and a finished campaign, never change', async () => {
  const id = await begin({ whom: { tenantIds: await tenants(1) } });
  for (const early of ['completed', 'completed_with_failures'])
    await assert.rejects(
      pool.query('update rekey.campaigns set status = $2, completed_at = now() where id = $1', [id, early]),
      /Tenants of the campaign are left/,
    );
  // A refusal is told before Postgres lets go of its lock, and a campaign that is locked is left to whoever has it.
  while ((await look()) === 0);
  await core.finish((await running(id))[0] ?? '');
  await look();
  assert.equal((await view(id)).status, 'completed');
  for (const change of [
    `state = 'failed'`,
    `work_id = '${randomUUID()}'`,
    `state = 'waiting', ended_at = null`,
  ])
    await assert.rejects(
      pool.query(`update rekey.campaign_members set ${change} where campaign_id = $1`, [id]),
      /never changes/,
    );
  for (const change of [`status = 'in_progress', completed_at = null`, `reason = 'another'`])
    await assert.rejects(
      pool.query(`update rekey.campaigns set ${change} where id = $1`, [id]),
      /never changes/,
    );
  await assert.rejects(pool.query('delete from rekey.campaign_members'), /never deleted/);
  assert.equal((await steer(id, 'in_progress')).kind, 'finished');
  assert.equal(await startMember(store), null);
});
