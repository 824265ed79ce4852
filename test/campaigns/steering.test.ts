/** What is commanded of a campaign while something else is under way: somebody has a tenant, or failures come late. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type CampaignStatus,
  cancelRotation,
  settleCampaigns,
  startMember,
  steerCampaign,
} from '@rekey/control';
import { holdsNobody } from '../harness/holds-nobody.ts';
import { ada, campaigning } from './campaigning.ts';

const { core, begin, look, running, states, tenants, view } = await campaigning();
const { store, pool } = core;

type Wanted = Extract<CampaignStatus, 'paused' | 'in_progress' | 'cancelled'>;
const steer = (id: string, wanted: Wanted) => steerCampaign(store, id, wanted, { actor: ada, reason: null });

async function withTenantHeld(tenantId: string, meanwhile: () => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('select from rekey.tenants where id = $1 for update', [tenantId]);
    await meanwhile();
  } finally {
    await client.query('rollback');
    client.release();
  }
}

test('a tenant that somebody has keeps no other campaign waiting, nor whoever steers its own', async () => {
  const [held = '', behind = ''] = await tenants(2);
  const own = await begin({ whom: { tenantIds: [held, behind] } });
  const other = await begin({ whom: { tenantIds: await tenants(2) } });
  await withTenantHeld(held, async () => {
    assert.equal(await holdsNobody(look()), 2, 'those of the other campaign');
    assert.deepEqual(await states(own), ['waiting', 'waiting']);
    // While a look is at that tenant.
    const looks = Promise.all([look(), look(), look()]);
    looks.catch(() => {}); // awaited below
    assert.equal((await holdsNobody(steer(own, 'paused'))).kind, 'changed');
    await holdsNobody(looks);
    assert.equal((await holdsNobody(steer(own, 'in_progress'))).kind, 'changed');
  });
  assert.equal(await look(), 2);
  assert.deepEqual(await states(own), ['running', 'running']);
  for (const id of [own, other]) await steer(id, 'cancelled');
});

test('failures that come while it is paused stop it before anybody is started, not after', async () => {
  for (const canaries of [0, 2]) {
    const id = await begin({ whom: { tenantIds: await tenants(5) }, atOnceMax: 1, failuresMax: 1, canaries });
    await look();
    const [only = ''] = await running(id);
    await steer(id, 'paused');
    await cancelRotation(store, only);
    await settleCampaigns(store);
    await steer(id, 'in_progress');
    // Another worker, between the look of one that settles and its own.
    assert.equal(await startMember(store), null);
    await look();
    const { status, stoppedFor, byState } = await view(id);
    assert.deepEqual(
      [status, stoppedFor, byState.waiting],
      ['paused', canaries === 0 ? 'failures' : 'canary', 4],
    );
    await steer(id, 'in_progress');
    assert.equal(await look(), 1, 'whoever resumes accepts that');
    await steer(id, 'cancelled');
  }
});
