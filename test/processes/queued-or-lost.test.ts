import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadInstallation } from '@rekey/control';
import { createIdentity, createTicketQueue } from '@rekey/jobs';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { installation } from '../harness/installation.ts';
import { testKek } from '../harness/kek.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';

const waiting = 1_000;

test('a thousand rotations that wait for a free worker are not enqueued again, and a lost one among them is', async (t) => {
  const rekey = await installation({ apis: 0, workers: 0 }, t);
  const redis = new Redis(rekey.redis.url, { maxRetriesPerRequest: null });
  const queue = new Queue('rotations', { connection: redis, prefix: rekey.keys });
  const ticketQueue = createTicketQueue({
    redisUrl: rekey.redis.url,
    prefix: rekey.redis.prefix,
    identity: createIdentity(() => loadInstallation(rekey.store)),
    onError: () => {},
  });
  t.after(async () => {
    await Promise.all([ticketQueue.close(), queue.close()]);
    redis.disconnect();
  });
  const { rows: started } = await rekey.store.query<{ id: string; tenant_id: string }>(
    `with tenant as (
       insert into rekey.tenants (id, name) select gen_random_uuid(), 'waits ' || n from generate_series(1, $1::int) n returning id)
     select r.id, r.tenant_id from tenant, rekey.start_rotation(gen_random_uuid(), tenant.id, gen_random_uuid(),
       '{"id":"ada","name":null,"email":null}', '{"credentials":0,"apiKeys":0,"secrets":0}') r`,
    [waiting],
  );
  assert.equal(started.length, waiting);
  const tickets = started.map(({ id, tenant_id }) => ({ rotationId: id, tenantId: tenant_id }));
  await until(() => ticketQueue.enqueueLost(tickets), { what: 'all are in the queue' });

  // One worker, all of whose slots are held by a KMS that does not answer.
  const kek = await testKek(t);
  const held = Promise.withResolvers<void>();
  kek.beforeWrap = () => held.promise;
  const worker = await workerHere(rekey, kek, t);
  await until(() => kek.calls.wrap >= 6, { what: 'every slot of the worker is held' });

  /** How often a ticket was put there, whether it was there already or not: BullMQ says so of each. */
  const enqueued = async (): Promise<number> => {
    const events = await redis.xrange(`${rekey.keys}:rotations:events`, '-', '+');
    return events.filter(([, fields]) => /^(added|duplicated)$/.test(fields[1] ?? '')).length;
  };
  const before = await enqueued();
  assert.equal(before, waiting);
  // Silent for longer than three seconds by now, and looked at about once a second.
  await sleep(8_000);
  const again = (await enqueued()) - before;
  t.diagnostic(`enqueued again within 8 s: ${again}`);
  assert.equal(again, 0);

  const lost = await queue.getJobs(['prioritized'], 500, 500);
  const [job] = lost;
  assert.ok(job !== undefined);
  await job.remove();
  assert.equal(await queue.getJob(job.id ?? ''), undefined);
  const began = performance.now();
  await until(async () => (await queue.getJob(job.id ?? '')) !== undefined, {
    what: 'the lost one is in the queue again',
  });
  t.diagnostic(`found after ${Math.round(performance.now() - began)} ms`);
  assert.equal((await enqueued()) - before, 1);

  held.resolve();
  await worker.close();
});
