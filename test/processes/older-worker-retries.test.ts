import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { installation, type StatusData } from '../harness/installation.ts';
import { olderVersion } from '../harness/older-version.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { startWorker } from '../harness/process.ts';
import { asRole } from '../harness/roles.ts';
import { firstValue } from '../harness/seed.ts';
import { sums } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

const older = await olderVersion();

test('a worker of an earlier version, which knows of no retries, sweeps and proves one rightly', {
  skip: older.skip,
}, async (t) => {
  const database = await createTestDatabase();
  const rekey = await installation({ databaseUrl: database.url, workers: 0 });
  await startWorker(
    {
      DATABASE_URL: asRole(database.url, 'worker'),
      REDIS_URL: rekey.redis.url,
      QUEUE_PREFIX: rekey.redis.prefix,
      KEK_URI: `local:${rekey.kekFile}`,
      BATCH_SIZE: '50',
    },
    t,
    older.folder,
  );
  const tenant = await rekey.seedTenant(15_300);
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  const stateOf = async (id: string): Promise<StatusData & { retryOf?: string | null }> =>
    (await rekey.status(id)).body.data;
  await until(async () => sums(await stateOf(rotationId)).rotated > 0, {
    what: 'the sweep is in its midst',
    everyMs: 5,
  });
  const left = sums((await rekey.cancel(rotationId)).body.data);
  assert.ok(left.remaining > 0, 'cancelled before its end');
  const answer = await fetch(`${rekey.apis[0]?.url}/api/v1/admin/dek/rotations/${rotationId}/retry`, {
    method: 'POST',
    headers: { authorization: `Bearer ${rekey.token}` },
  });
  const { data } = (await answer.json()) as { data: StatusData };
  assert.equal(answer.status, 200);
  await until(
    async () => {
      const state = await stateOf(data.rotationId);
      assert.equal(state.retryOf, rotationId, 'also while its snapshots are an earlier version’s');
      return state.completedAt !== null;
    },
    { what: 'the retry has ended', everyMs: 20 },
  );
  const ended = await stateOf(data.rotationId);
  assert.deepEqual([ended.status, sums(ended).rotated], ['completed', left.remaining]);
  assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
  const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(rekey, tenant.tenantId), values), []);
});
