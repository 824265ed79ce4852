/** How soon a place that a rotation by policy leaves is another's, and how often it is looked where nobody's time has come. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '@rekey/runtime';
import { createFollowPolicies } from '@rekey/worker';
import { until } from '../harness/wait.ts';
import { age, all, core, pool, put, store } from './policy-rounds-desk.ts';

const follower = () =>
  createFollowPolicies({
    store,
    ticketQueue: { enqueueLost: async () => {} } as never,
    logger: createLogger({ name: 'worker', level: 'silent', write: () => {} }),
  });
const running = async (): Promise<string | undefined> =>
  (await all(`select id from rekey.rotations where status = 'in_progress'`))[0]?.id;
const lookedAt = async (): Promise<string> => (await all('select at::text from rekey.policy_rounds'))[0].at;

test('many whose time has come at once do not wait for the next round of all, each for its place', async () => {
  await put(null, { rotationsAtOnce: 1, rotateEveryDays: 30 });
  const tenants = await Promise.all(Array.from({ length: 6 }, () => core.createTenant()));
  for (const tenantId of tenants) await age(tenantId, 31);
  const follow = follower();
  for (const _ of tenants) {
    const next = await until(
      async () => {
        await follow();
        return running();
      },
      { what: 'the next one is begun', timeoutMs: 60_000, everyMs: 200 },
    );
    assert.equal((await core.finish(next ?? '')).status, 'completed');
  }
  const gaps = await all(
    `select extract(epoch from started_at - lag(started_at) over (order by started_at))::float8 as gap
     from rekey.rotations where policy_version is not null order by started_at`,
  );
  assert.equal(gaps.length, tenants.length, 'each once');
  // By Postgres' clock. On a machine that stands still for seconds one or another may take as long as it took before.
  assert.ok(
    gaps.slice(1).some(({ gap }) => gap < 9),
    JSON.stringify(gaps),
  );
});

test('where nobody’s has, one round is enough for ten seconds', async () => {
  await pool.query(`update rekey.policy_rounds set at = at - interval '1 minute'`);
  const follow = follower();
  await follow();
  const looked = await lookedAt();
  await follow();
  await follower()();
  assert.equal(await lookedAt(), looked);
});
