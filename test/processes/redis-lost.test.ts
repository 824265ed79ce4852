import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Server, startRedis } from '@rekey/stack';
import { Redis } from 'ioredis';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { contradictions, poll } from '../harness/poller.ts';
import { firstValue } from '../harness/seed.ts';
import { sums, sweepFacts } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

// A Redis of our own: what is done to it here would hit other tests.
const database = await createTestDatabase();
const pool = database.pool();
let redis: Server = await startRedis();
const rekey = await installation({
  databaseUrl: database.url,
  redis: { url: redis.url, prefix: '{rekey}' },
  workerEnv: { BATCH_SIZE: '25' },
});

async function redisGoes(): Promise<() => Promise<void>> {
  const { url } = redis;
  await redis.stop();
  return async () => {
    redis = await startRedis({ at: url });
  };
}

test.after(() => redis.stop());

/** Rotates `records` records, does `harm` in mid-sweep, and asserts that nobody but the clock notices. */
async function survives(t: TestContext, records: number, harm: () => Promise<void>): Promise<void> {
  const tenant = await rekey.seedTenant(records);
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  await until(async () => sums((await rekey.status(rotationId)).body.data).rotated >= 200, {
    what: 'the sweep is in its midst',
    everyMs: 5,
  });
  const poller = poll(rekey, rotationId);
  const began = performance.now();
  await harm();
  assert.ok((await rekey.leftOnOlderKeys(tenant.tenantId)) > 0, 'it had finished before');
  const ended = await rekey.ended(rotationId, { timeoutMs: 40_000 });
  const ms = performance.now() - began;
  await poller.stop();

  assert.equal(ended.status, 'completed');
  assert.deepEqual(sums(ended), { rotated: records, superseded: 0, failed: 0, remaining: 0, all: records });
  assert.equal((await sweepFacts(pool, rotationId)).rotated, records);
  assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
  const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(rekey, tenant.tenantId), values), []);
  assert.deepEqual(
    poller.answers.filter(({ status }) => status !== 200),
    [],
    'polling went on answering',
  );
  const slowest = Math.max(...poller.answers.map((answer) => answer.ms));
  assert.ok(slowest < 1_500, `one poll took ${slowest} ms`);
  assert.deepEqual(contradictions(poller.answers.map(({ body }) => body.data)), []);
  t.diagnostic(
    `completed ${Math.round(ms)} ms after; ${poller.answers.length} polls, slowest ${Math.round(slowest)} ms`,
  );
}

for (const [kind, records] of [
  ['swept by one job', 6_000],
  ['spread over the queue', 12_000],
] as const) {
  test(`FLUSHALL in mid-sweep costs at most a pause (${kind})`, async (t) => {
    await survives(t, records, async () => {
      const client = new Redis(redis.url);
      await client.flushall();
      client.disconnect();
    });
  });
}

test('Redis gone for 3 s in mid-sweep and back, empty, costs at most a pause', async (t) => {
  const stopped = { ms: 0 };
  await survives(t, 12_000, async () => {
    const comesBack = await redisGoes();
    const began = performance.now();
    setTimeout(() => void comesBack().then(() => (stopped.ms = performance.now() - began)), 3_000);
    await sleep(50);
  });
  await until(() => stopped.ms > 0, { what: 'Redis is back' });
});

test('with Redis away a rotate call answers 200, and the rotation runs once Redis is back', async (t) => {
  const tenant = await rekey.seedTenant(34);
  const comesBack = await redisGoes();
  const began = performance.now();
  const answer = await rekey.rotate(tenant.tenantId);
  const ms = performance.now() - began;
  assert.equal(answer.status, 200);
  assert.ok(ms < 10_000, `${ms} ms: it waited for Redis, which stays away`);
  const { rotationId } = answer.body.data;
  assert.equal((await rekey.status(rotationId)).body.data.status, 'in_progress');
  assert.equal((await rekey.rotate(tenant.tenantId)).status, 409);
  await comesBack();
  const back = performance.now();
  const ended = await rekey.ended(rotationId);
  assert.equal(ended.status, 'completed');
  t.diagnostic(
    `answered in ${Math.round(ms)} ms; completed ${Math.round(performance.now() - back)} ms after Redis was back`,
  );
});

test('tickets that Redis forgot before a worker took them are found in Postgres', async (t) => {
  for (const worker of rekey.workers) await worker.stop();
  const tenants = await Promise.all([1, 2, 3].map(() => rekey.seedTenant(17)));
  const ids = await Promise.all(
    tenants.map(async ({ tenantId }) => (await rekey.rotate(tenantId)).body.data.rotationId),
  );
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
  const began = performance.now();
  await rekey.addWorker();
  for (const id of ids) assert.equal((await rekey.ended(id)).status, 'completed');
  t.diagnostic(`all completed ${Math.round(performance.now() - began)} ms after the worker's start`);
});
