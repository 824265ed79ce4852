import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rotationJobId } from '@rekey/jobs';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url, workers: 0 });
const connection = new Redis(rekey.redis.url, { maxRetriesPerRequest: null });
const queue = new Queue('rotations', { connection, prefix: rekey.keys });
test.after(async () => {
  await queue.close();
  connection.disconnect();
});

const hourMs = 3_600_000;

/** In place of the rotation's ticket: one that waits for its next attempt, as after trouble. */
async function putOff(tenantId: string, rotationId: string): Promise<void> {
  const jobId = rotationJobId({ tenantId });
  await until(async () => (await queue.getJob(jobId)) !== undefined, { what: 'the ticket is there' });
  await queue.remove(jobId);
  const data = { tenantId, rotationId: rotationId.slice('rot-'.length) };
  await queue.add('rotate', data, { jobId, delay: hourMs, removeOnComplete: true, removeOnFail: true });
}

test('a job that a worker with a clock an hour ahead put off does not keep its rotation waiting for an hour', async () => {
  const { tenantId } = await rekey.seedTenant(17);
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  await putOff(tenantId, rotationId);
  // Silent for longer than any back-off lasts.
  await pool.query(`update rekey.rotations set heartbeat_at = now() - interval '13 seconds' where id = $1`, [
    rotationId.slice('rot-'.length),
  ]);
  const worker = await rekey.addWorker();
  assert.equal((await rekey.ended(rotationId, { timeoutMs: 30_000 })).status, 'completed');
  await worker.stop();
});

test('a rotation cancelled while its job is in back-off does not hold up the next one of its tenant', async () => {
  const { tenantId } = await rekey.seedTenant(17);
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  await putOff(tenantId, rotationId);
  assert.equal((await rekey.cancel(rotationId)).status, 200);
  await rekey.addWorker();
  const next = await rekey.rotate(tenantId);
  const began = performance.now();
  assert.equal((await rekey.ended(next.body.data.rotationId)).status, 'completed');
  const tookMs = performance.now() - began;
  assert.ok(tookMs < 8_000, `it took ${tookMs} ms, as if nobody had hurried the earlier job`);
});
