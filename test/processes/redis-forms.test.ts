import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installation } from '../harness/installation.ts';
import { startCluster, startSentinel } from '../harness/redis-topologies.ts';
import { sums } from '../harness/sweep-facts.ts';
import { takesUnder } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';

for (const [what, start] of [
  ['the master that a Sentinel names', startSentinel],
  ['a Redis Cluster', startCluster],
] as const) {
  test(`a rotation runs end to end over ${what}, by one job and spread over the queue`, async (t) => {
    const redis = { url: await start(t), prefix: '{rekey}' };
    const rekey = await installation({ redis, workerEnv: { WORKER_CONCURRENCY: '3' } }, t);
    for (const records of [85, 10_500]) {
      const { tenantId } = await rekey.seedTenant(records);
      const rotated = async (): Promise<void> => {
        const { status, body } = await rekey.rotate(tenantId);
        assert.equal(status, 200);
        const ended = await rekey.ended(body.data.rotationId);
        assert.equal(ended.status, 'completed');
        assert.equal(sums(ended).rotated, records);
      };
      // A small one by the ticket, not by the recovery that looks into Postgres every few seconds.
      const ms = await takesUnder(t, records === 85 ? 3_000 : 120_000, rotated);
      assert.equal(await rekey.leftOnOlderKeys(tenantId), 0);
      t.diagnostic(`${records} records in ${Math.round(ms)} ms`);
    }
    const checks = await until(
      async () => {
        const ready = await fetch(`${rekey.apis[0]?.url}/readyz`);
        const found = (await ready.json()) as { status: string; checks: Record<string, boolean> };
        return found.checks.redis === true && { status: found.status, ...found.checks };
      },
      { what: 'the API finds Redis well' },
    );
    assert.deepEqual(checks, { status: 'ready', postgres: true, schema: true, redis: true });
  });
}
