import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installation } from '../harness/installation.ts';
import { sums } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

test('a small tenant called while a large one is swept by the only worker completes long before it', async (t) => {
  const rekey = await installation({ workerEnv: { WORKER_CONCURRENCY: '1', BATCH_SIZE: '50' } });
  const [large, small] = [await rekey.seedTenant(60_000), await rekey.seedTenant(85)];
  const first = (await rekey.rotate(large.tenantId)).body.data.rotationId;
  await until(async () => sums((await rekey.status(first)).body.data).rotated > 500, {
    what: 'the large sweep is in its midst',
  });
  const began = performance.now();
  const second = (await rekey.rotate(small.tenantId)).body.data.rotationId;
  assert.equal((await rekey.ended(second)).status, 'completed');
  const ms = performance.now() - began;
  const meanwhile = (await rekey.status(first)).body.data;
  assert.equal(meanwhile.status, 'in_progress');
  assert.ok(meanwhile.percentComplete < 60, `the large one was at ${meanwhile.percentComplete} %`);
  t.diagnostic(
    `85 records in ${Math.round(ms)} ms, with the 60,000 of another at ${meanwhile.percentComplete} %`,
  );
  assert.equal((await rekey.cancel(first)).status, 200);
});
