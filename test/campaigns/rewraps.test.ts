import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { findCampaign, findRewrap, settleCampaigns, startCampaign, startMember } from '@rekey/control';
import { rewrapping } from '../rewrap/rewrapping.ts';

const { core, fresh, finish, keksOf } = await rewrapping();
const { store } = core;

test('a campaign brings the DEKs of whoever is on a KEK under another, a rewrap for each', async () => {
  const tenantIds = [(await core.tenantWith(1)).tenantId, (await core.tenantWith(1)).tenantId];
  const campaignId = randomUUID();
  const started = await startCampaign(store, {
    campaignId,
    action: 'rewrap',
    whom: { onKek: 'old' },
    kekName: 'new',
    order: 'smallest_first',
    canaries: 0,
    atOnceMax: 1,
    perHourMax: null,
    failuresMax: 1,
    callsPerSecondMax: 1_000,
    reason: null,
    actor: { id: 'ada', name: null, email: null },
    idempotency: null,
  });
  assert.equal(started.kind, 'started');
  for (const { length } of [tenantIds, tenantIds.slice(1)]) {
    const next = await startMember(store);
    assert.equal(next?.outcome, 'started', `${length} left`);
    assert.equal(await startMember(store), null);
    const view = await findRewrap(store, next?.workId ?? '');
    assert.ok(view !== null);
    assert.equal((await finish(view)).status, 'completed');
    assert.equal(await settleCampaigns(store), 1);
  }
  assert.equal((await findCampaign(store, campaignId))?.status, 'completed');
  for (const tenantId of tenantIds) assert.deepEqual(await keksOf(tenantId), [fresh.id]);
});
