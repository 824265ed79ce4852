/**
 * What a simulation says of a campaign, held against the same campaign. `CAMPAIGN_TENANTS=400 npm test --
 * test/campaigns/simulated.test.ts` for a larger one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCampaignFacts, simulateCampaign } from '@rekey/control';
import { testRedis } from '../harness/redis.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';
import { campaigning } from './campaigning.ts';

const tenantsCount = Number(process.env.CAMPAIGN_TENANTS ?? 12);
const workers = 2;
const atOnceMax = 4;
/** So far beyond the range an end may lie: what else the machine does is in it. */
const tolerance = 1.25;
/** Most are small. */
const sizeOf = (n: number): number => (n % 6 === 5 ? 1_500 : 20);

const { core, begin, view } = await campaigning();
const made = (count: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, async (_, n) => (await core.tenantWith(sizeOf(n))).tenantId));

test('the end of a campaign lies within what its simulation said, by what the one before has taken', async (t) => {
  const redis = testRedis();
  for (let n = 0; n < workers; n += 1) await workerHere({ databaseUrl: core.database.url, redis }, core.kek);
  const run = async (tenantIds: readonly string[]): Promise<number> => {
    const id = await begin({ whom: { tenantIds: [...tenantIds] }, atOnceMax });
    const done = await until(
      async () => {
        const found = await view(id);
        return found.completedAt === null ? undefined : found;
      },
      { timeoutMs: 300_000, what: 'the campaign ends' },
    );
    assert.equal(done.byState.completed, tenantIds.length);
    return ((done.completedAt?.getTime() ?? 0) - done.startedAt.getTime()) / 1_000;
  };
  // By which it estimates: as many as it looks at.
  await run(await made(Math.min(12, tenantsCount)));
  const tenantIds = await made(tenantsCount);
  const whom = { tenantIds };
  const found = await findCampaignFacts(core.store, {
    action: 'rotate',
    whom,
    kekName: null,
    order: 'as_given',
  });
  assert.equal(found.kind, 'found');
  const facts = (found as { facts: Parameters<typeof simulateCampaign>[1] }).facts;
  const asked = {
    action: 'rotate',
    order: 'as_given',
    canaries: 0,
    atOnceMax,
    perHourMax: null,
    failuresMax: 5,
  } as const;
  const simulated = simulateCampaign({ ...asked, callsPerSecondMax: 1_000 }, facts);
  assert.deepEqual(
    [simulated.by, simulated.workers, simulated.selected],
    ['measured', workers, tenantsCount],
  );
  const { low, high } = simulated.seconds;
  const actual = await run(tenantIds);
  t.diagnostic(
    `${tenantsCount} tenants: simulated ${low.toFixed(1)} to ${high.toFixed(1)} s, took ${actual.toFixed(1)} s: ` +
      `${(actual / low).toFixed(2)} times the earliest end, ${(actual / high).toFixed(2)} times the latest`,
  );
  assert.ok(actual >= low / tolerance && actual <= high * tolerance, `${actual} s of ${low} to ${high}`);
});
