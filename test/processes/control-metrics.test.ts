import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { startCampaign, steerCampaign } from '@rekey/control';
import { pastTheTriggers } from '../harness/damage.ts';
import { installation } from '../harness/installation.ts';
import { type Figures, metricsUrl, scrape } from '../harness/scrape.ts';
import { until } from '../harness/wait.ts';

const rekey = await installation({ workers: 0, apiEnv: { METRICS_PORT: '0' } });
const [api] = rekey.apis;
assert.ok(api !== undefined);
const url = await metricsUrl(api);
const said = (what: string, isSo: (figures: Figures) => boolean): Promise<Figures> =>
  until(
    async () => {
      const figures = await scrape(url);
      return isSo(figures) ? figures : null;
    },
    { what, timeoutMs: 60_000, everyMs: 250 },
  );
const of = (name: string): string => `rekey_campaign_tenants{state="${name}"}`;
const ada = { kind: 'user', id: 'ada', name: null, email: null } as const;
const level = (name: string, of = 'tenants'): string => `rekey_policy_${of}{level="${name}"}`;

test('who is overdue is absent while no worker looks, and then the number that it sees', async () => {
  const [{ tenantId }] = [await rekey.seedTenant(4)];
  await rekey.seedTenant(4);
  await pastTheTriggers(rekey.store, async (tx) => {
    await tx.query(
      `update rekey.deks set activated_at = now() - interval '40 days' where tenant_id = $1 and state = 'active'`,
      [tenantId],
    );
    await tx.query(
      `update rekey.dek_material m set wrapped_at = now() - interval '40 days' from rekey.deks d
       where d.id = m.dek_id and d.tenant_id = $1`,
      [tenantId],
    );
    // Closed hours, so that it stays overdue.
    await tx.query(
      `insert into rekey.policies (tenant_id, version, policy) values ($1, 1, $2), (null, 1, '{"rotateEveryDays": 30, "rewrapEveryDays": 35}')`,
      [
        tenantId,
        JSON.stringify({
          windows: [
            {
              days: [['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'][(new Date().getUTCDay() + 3) % 7]],
              from: '00:00',
              to: '01:00',
              timeZone: 'UTC',
            },
          ],
        }),
      ],
    );
  });
  const before = await said('campaigns are counted', (figures) =>
    figures.has('rekey_campaign_records_remaining'),
  );
  for (const name of [
    'campaign_records_remaining',
    'campaign_tenants{state="waiting"}',
    'campaigns_unfinished{state="stopped"}',
  ])
    assert.equal(before.get(`rekey_${name}`), 0, name);
  assert.ok(![...before.keys()].some((name) => name.startsWith('rekey_policy_')));
  await rekey.addWorker();
  const figures = await said('a worker has looked', (found) =>
    [level('overdue'), level('overdue', 'wrappings')].every((name) => found.get(name) === 1),
  );
  assert.deepEqual(
    ['tenants', 'wrappings'].map((what) =>
      ['fresh', 'due', 'orphaned'].map((name) => figures.get(level(name, what))),
    ),
    [
      [1, 0, 0],
      [1, 0, 0],
    ],
  );
});

test('campaigns and their tenants are counted until they end', async () => {
  await rekey.addWorker(); // that of the test before has ended with it
  const tenants = [await rekey.seedTenant(3), await rekey.seedTenant(5)];
  const campaignId = randomUUID();
  const started = await startCampaign(rekey.store, {
    campaignId,
    action: 'rotate',
    whom: { tenantIds: tenants.map(({ tenantId }) => tenantId) },
    kekName: null,
    order: 'as_given',
    canaries: 0,
    atOnceMax: 1,
    perHourMax: 1,
    failuresMax: 1,
    callsPerSecondMax: 100,
    reason: null,
    actor: ada,
    idempotency: null,
  });
  assert.equal(started.kind, 'started');
  const one = await said('the first has ended, and the other waits for its hour', (figures) => {
    const [ended, waits] = [figures.get(of('completed')), figures.get(of('waiting'))];
    return ended === 1 && waits === 1;
  });
  assert.equal(one.get('rekey_campaigns_unfinished{state="in_progress"}'), 1);
  assert.equal(one.get('rekey_campaign_records_remaining'), 5);
  await steerCampaign(rekey.store, campaignId, 'paused', { actor: ada, reason: null });
  await said('it is paused', (figures) => figures.get('rekey_campaigns_unfinished{state="paused"}') === 1);
  await steerCampaign(rekey.store, campaignId, 'cancelled', { actor: ada, reason: null });
  const none = await said('it has ended', (figures) => figures.get(of('waiting')) === 0);
  assert.equal(none.get('rekey_campaigns_unfinished{state="paused"}'), 0);
  assert.equal(none.get('rekey_campaign_records_remaining'), 0);
});
