import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCampaignFigures, steerCampaign } from '@rekey/control';
import { ada, campaigning } from './campaigning.ts';

const { core, begin, look, running } = await campaigning();
const { store } = core;
const steer = (id: string, wanted: 'paused' | 'in_progress' | 'cancelled') =>
  steerCampaign(store, id, wanted, { actor: ada, reason: null });

test('unfinished campaigns and their tenants are counted, and none once they have ended', async () => {
  const none = await findCampaignFigures(store);
  assert.deepEqual(none.campaigns, { in_progress: 0, paused: 0, stopped: 0 });
  const tenants = [await core.tenantWith(3), await core.tenantWith(5), await core.tenantWith(7)];
  const tenantIds = tenants.map(({ tenantId }) => tenantId);
  const id = await begin({ whom: { tenantIds }, atOnceMax: 2, failuresMax: 1 });
  await look();
  const [first = '', second = ''] = await running(id);
  await core.finish(first);
  await steer(id, 'paused');
  await look();
  const paused = await findCampaignFigures(store);
  assert.deepEqual(paused.campaigns, { in_progress: 0, paused: 1, stopped: 0 });
  assert.deepEqual([paused.tenants.completed, paused.tenants.running, paused.tenants.waiting], [1, 1, 1]);
  assert.equal(paused.itemsRemaining, 12);

  await steer(id, 'in_progress');
  await core.pool.query('select rekey.cancel_rotation($1)', [second]);
  await look();
  const stopped = await findCampaignFigures(store);
  assert.deepEqual(stopped.campaigns, { in_progress: 0, paused: 0, stopped: 1 });
  assert.equal(stopped.tenants.cancelled, 1);
  await steer(id, 'cancelled');
  for (const one of await running(id)) await core.finish(one);
  assert.deepEqual(await findCampaignFigures(store), none);
});
