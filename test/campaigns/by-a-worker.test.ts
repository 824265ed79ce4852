import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testRedis } from '../harness/redis.ts';
import { firstSecret } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';
import { campaigning } from './campaigning.ts';

const { core, begin, view, rotationsOf } = await campaigning();

test('two workers find a campaign by themselves and take it to its end, and everything can still be read', async () => {
  const tenants = await Promise.all([1, 2, 3, 4].map((records) => core.tenantWith(records)));
  const redis = testRedis();
  for (let n = 0; n < 2; n += 1) await workerHere({ databaseUrl: core.database.url, redis }, core.kek);
  const tenantIds = tenants.map(({ tenantId }) => tenantId);
  const id = await begin({ whom: { all: true }, atOnceMax: 2, canaries: 1 });
  const done = await until(
    async () => {
      const found = await view(id);
      return found.completedAt === null ? undefined : found;
    },
    { timeoutMs: 60_000, what: 'workers end the campaign' },
  );
  assert.deepEqual([done?.status, done?.byState.completed], ['completed', 4]);
  assert.deepEqual(await rotationsOf(id), new Map(tenantIds.map((tenantId) => [tenantId, 1])));
  for (const { tenantId, ids } of tenants) {
    assert.equal((await core.activeKey(tenantId)).keyNumber, 2);
    for (const record of ids)
      assert.deepEqual(
        await core.anotherVault().get({ target: 'secrets', tenantId, id: record }),
        firstSecret(record),
      );
  }
});
