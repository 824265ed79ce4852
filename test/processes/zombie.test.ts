import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { contradictions, poll } from '../harness/poller.ts';
import { firstValue } from '../harness/seed.ts';
import { sums, sweepFacts } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

test('a worker frozen beyond its lock and lease is replaced, and does no harm when it wakes', async (t) => {
  const database = await createTestDatabase();
  const pool = database.pool();
  const rekey = await installation({ databaseUrl: database.url, workerEnv: { BATCH_SIZE: '10' } });
  const records = 6_000;
  const tenant = await rekey.seedTenant(records);
  const [zombie] = rekey.workers;
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  const poller = poll(rekey, rotationId);
  await until(async () => sums((await rekey.status(rotationId)).body.data).rotated > 300, {
    what: 'the sweep is in its midst',
  });
  zombie?.kill('SIGSTOP');
  const frozen = performance.now();
  const id = rotationId.slice(4);
  const holding =
    'select target, owner from rekey.rotation_ranges where rotation_id = $1 and owner is not null';
  const [held] = (await pool.query<{ target: string; owner: string }>(holding, [id])).rows;
  assert.ok(held, 'it was frozen in the midst of a range');
  await rekey.addWorker();
  const takenOver = `select from rekey.rotation_ranges
    where rotation_id = $1 and target = $2 and (owner <> $3 or proved_at is not null)`;
  await until(async () => (await pool.query(takenOver, [id, held.target, held.owner])).rowCount === 1, {
    what: 'another worker has taken over its range',
    timeoutMs: 60_000,
  });
  const ms = performance.now() - frozen;
  // It wakes in the midst of the other one's work, with a batch, a lease and a job that are no longer its own.
  zombie?.kill('SIGCONT');
  const ended = await rekey.ended(rotationId);
  await poller.stop();
  assert.ok(ms < 30_000, `${ms} ms`);
  t.diagnostic(`taken over ${Math.round(ms)} ms after the freeze`);
  assert.equal(ended.status, 'completed');
  assert.deepEqual(sums(ended), { rotated: records, superseded: 0, failed: 0, remaining: 0, all: records });
  assert.equal((await sweepFacts(pool, rotationId)).rotated, records);
  assert.deepEqual(contradictions(poller.answers.map(({ body }) => body.data)), []);
  assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
  const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(rekey, tenant.tenantId), values), []);
  // And it is a good worker again.
  await rekey.workers[1]?.stop();
  const again = await rekey.seedTenant(17);
  const next = (await rekey.rotate(again.tenantId)).body.data.rotationId;
  assert.equal((await rekey.ended(next)).status, 'completed');
});
