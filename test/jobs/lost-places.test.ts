import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createTicketQueue, rangeJobId, rotationJobId } from '@rekey/jobs';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { testIdentity, testRedis } from '../harness/redis.ts';
import { takesUnder } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';

// Tickets that Redis has the ids of, so that adding them again does nothing, and that no worker would ever be given.
const { url, prefix } = testRedis();
const redis = new Redis(url, { maxRetriesPerRequest: null });
const newTicket = () => ({ rotationId: randomUUID(), tenantId: randomUUID() });

/** Queues that nothing else uses, and a worker's ticket queue. */
async function queues(t: { after(clean: () => Promise<void>): void }) {
  const id = randomUUID().slice(0, 8);
  const ticketQueue = createTicketQueue({
    redisUrl: url,
    prefix,
    identity: await testIdentity(id),
    onError: () => {},
  });
  const keys = `${prefix}:${id}`;
  const rotations = new Queue('rotations', { connection: redis, prefix: keys });
  const ranges = new Queue('ranges', { connection: redis, prefix: keys });
  t.after(async () => {
    await Promise.all([rotations.close(), ranges.close(), ticketQueue.close()]);
  });
  await until(async () => (await ticketQueue.check()) === null, { what: 'the ticket queue is connected' });
  const key = (...parts: string[]): string => [keys, ...parts].join(':');
  /** The tickets that a worker is given now, in order. */
  const given = async (name: 'rotations' | 'ranges' = 'rotations'): Promise<unknown[]> => {
    const taken: unknown[] = [];
    const worker = new Worker(name, async (job) => taken.push(job.data), { connection: redis, prefix: keys });
    worker.on('error', () => {});
    const drained = new Promise<void>((resolve) => worker.once('drained', resolve));
    await Promise.race([drained, new Promise((resolve) => setTimeout(resolve, 1_500))]);
    await worker.close();
    return taken;
  };
  return { ticketQueue, rotations, ranges, key, given, keys };
}
type Queues = Awaited<ReturnType<typeof queues>>;
test.after(() => redis.disconnect());

const losses: Record<string, (of: Queues, jobId: string) => Promise<unknown>> = {
  'whose places are gone': ({ key }) => redis.del(key('rotations', 'prioritized')),
  'in the failed set': async ({ key }, jobId) => {
    await redis.zrem(key('rotations', 'prioritized'), jobId);
    await redis.zadd(key('rotations', 'failed'), Date.now(), jobId);
  },
  'in the completed set': async ({ key }, jobId) => {
    await redis.zrem(key('rotations', 'prioritized'), jobId);
    await redis.zadd(key('rotations', 'completed'), Date.now(), jobId);
  },
  'that waits for children': async ({ key }, jobId) => {
    await redis.zrem(key('rotations', 'prioritized'), jobId);
    await redis.zadd(key('rotations', 'waiting-children'), Date.now(), jobId);
  },
  'in the list of the paused': async ({ key }, jobId) => {
    await redis.zrem(key('rotations', 'prioritized'), jobId);
    await redis.lpush(key('rotations', 'paused'), jobId);
  },
  'whose hash is a string': async ({ key }, jobId) => {
    await redis.del(key('rotations', 'prioritized'), key('rotations', jobId));
    await redis.set(key('rotations', jobId), 'x');
  },
  'whose places are a string': async ({ key }) => {
    await redis.del(key('rotations', 'prioritized'));
    await redis.set(key('rotations', 'prioritized'), 'x');
  },
  'whose data nobody can read': ({ key }, jobId) => redis.hset(key('rotations', jobId), 'data', '{'),
  'whose options nobody can read': ({ key }, jobId) => redis.hset(key('rotations', jobId), 'opts', '{'),
  'with the ticket of another rotation': ({ key }, jobId) =>
    redis.hset(key('rotations', jobId), 'data', JSON.stringify(newTicket())),
  'with the repetition of another': ({ key }, jobId) =>
    redis.hset(key('rotations', jobId), 'rjk', 'a:b:c:d:e'),
  'that is put off for a year': async ({ key }, jobId) => {
    await redis.zrem(key('rotations', 'prioritized'), jobId);
    const year = Date.now() + 365 * 86_400_000;
    await redis.zadd(key('rotations', 'delayed'), year * 0x1000, jobId);
    await redis.hset(key('rotations', jobId), 'delay', String(365 * 86_400_000));
  },
};

for (const [what, harm] of Object.entries(losses)) {
  test(`a ticket ${what} is given to a worker after all`, async (t) => {
    const of = await queues(t);
    const ticket = newTicket();
    await of.ticketQueue.enqueue(ticket);
    await harm(of, rotationJobId(ticket));
    await of.ticketQueue.enqueueLost([ticket]);
    assert.equal(await of.ticketQueue.hurry([ticket], []), true);
    assert.deepEqual(await of.given(), [ticket]);
  });
}

test('of ranges, too, whose list is gone, as many as there are, a few at a time', async (t) => {
  const of = await queues(t);
  const rotationId = randomUUID();
  const tickets = Array.from({ length: 120 }, (_, ordinal) => ({ rotationId, target: 'secrets', ordinal }));
  await of.ticketQueue.enqueueRanges(tickets);
  await redis.del(of.key('ranges', 'prioritized'), of.key('ranges', 'pc'));
  await of.ticketQueue.hurry([], tickets);
  assert.equal(await redis.zcard(of.key('ranges', 'prioritized')), 50);
  await of.ticketQueue.hurry([], tickets.slice(50));
  await of.ticketQueue.hurry([], tickets.slice(100));
  assert.equal(await redis.zcard(of.key('ranges', 'prioritized')), 120);
  const [first] = tickets;
  assert.ok(first);
  assert.ok((await of.ranges.getJob(rangeJobId(first)))?.opts.priority === 1);
});

test('what waits keeps its place, what runs is left alone, what is not there is not invented', async (t) => {
  const of = await queues(t);
  const tickets = [newTicket(), newTicket(), newTicket(), newTicket()];
  await of.ticketQueue.enqueueLost(tickets);
  const [running, ...waiting] = tickets;
  assert.ok(running);
  const moved = await redis.zpopmin(of.key('rotations', 'prioritized'));
  assert.equal(moved[0], rotationJobId(running));
  await redis.lpush(of.key('rotations', 'active'), rotationJobId(running));
  await redis.set(of.key('rotations', rotationJobId(running), 'lock'), 'a worker', 'PX', 5_000);
  const before = await redis.zrange(of.key('rotations', 'prioritized'), '0', '-1');
  await of.ticketQueue.hurry([...tickets, newTicket()], []);
  assert.deepEqual(await redis.zrange(of.key('rotations', 'prioritized'), '0', '-1'), before);
  assert.deepEqual(await redis.lrange(of.key('rotations', 'active'), 0, -1), [rotationJobId(running)]);
  assert.equal(before.length, waiting.length);
});

test('a lock that nobody will ever give back is taken away, so that the job counts as stalled', async (t) => {
  const of = await queues(t);
  for (const forever of [[], ['PX', '31536000000']]) {
    const ticket = newTicket();
    await of.ticketQueue.enqueue(ticket);
    const jobId = rotationJobId(ticket);
    await redis.zrem(of.key('rotations', 'prioritized'), jobId);
    await redis.lpush(of.key('rotations', 'active'), jobId);
    await redis.call('SET', of.key('rotations', jobId, 'lock'), 'x', ...forever);
    await of.ticketQueue.hurry([ticket], []);
    assert.equal(await redis.exists(of.key('rotations', jobId, 'lock')), 0);
  }
});

for (const junk of [2_000, 20_000]) {
  test(`a few tickets behind ${junk} others, whose rotation has been silent for long, come first`, async (t) => {
    const of = await queues(t);
    const others = Array.from({ length: junk }, (_, n) => `junk-${n}`);
    await redis.lpush(of.key('rotations', 'wait'), ...others);
    await redis.lpush(of.key('ranges', 'wait'), ...others);
    const tickets = Array.from({ length: 8 }, newTicket);
    const ranges = Array.from({ length: 8 }, (_, ordinal) => ({
      rotationId: randomUUID(),
      target: 'secrets',
      ordinal,
    }));
    await of.ticketQueue.enqueueLost(tickets);
    await of.ticketQueue.enqueueRanges(ranges);
    for (let turn = 1; turn <= 2; turn += 1) {
      await of.ticketQueue.hurry(tickets, ranges);
      for (const queue of ['rotations', 'ranges']) {
        const front = await redis.lrange(of.key(queue, 'wait'), -8, -1);
        assert.equal(front.filter((id) => !id.startsWith('junk')).length, turn === 1 ? 5 : 8);
      }
    }
    assert.equal(await redis.zcard(of.key('ranges', 'prioritized')), 0);
  });
}

test('looking after fifty tickets costs little, also behind a hundred thousand others', async (t) => {
  const of = await queues(t);
  const junk = Array.from({ length: 100_000 }, (_, n) => `junk-${n}`);
  for (let i = 0; i < junk.length; i += 10_000)
    await redis.lpush(of.key('rotations', 'wait'), ...junk.slice(i, i + 10_000));
  const tickets = Array.from({ length: 50 }, newTicket);
  await of.ticketQueue.enqueueLost(tickets);
  const hurry = async (): Promise<void> => assert.equal(await of.ticketQueue.hurry(tickets, []), true);
  t.diagnostic(`${Math.round(await takesUnder(t, 1_500, hurry))} ms`);
});

test('what is in the queue is left alone, and what is not is added', async (t) => {
  const { ticketQueue, rotations, ranges, key } = await queues(t);
  const tickets = Array.from({ length: 5 }, newTicket);
  const cut = tickets.map(({ rotationId }) => ({ rotationId, target: 'secrets', ordinal: 0 }));
  assert.equal(await ticketQueue.enqueueLost(tickets), true);
  assert.equal(await ticketQueue.enqueueRanges(cut), true);
  const enqueued = (name: string): Promise<number> => redis.xlen(key(name, 'events'));
  const before = [await enqueued('rotations'), await enqueued('ranges')];
  assert.equal(await ticketQueue.enqueueLost(tickets), true);
  assert.equal(await ticketQueue.enqueueLostRanges(cut), true);
  assert.deepEqual([await enqueued('rotations'), await enqueued('ranges')], before);

  await rotations.remove(rotationJobId(tickets[3] ?? newTicket()));
  await ranges.remove(rangeJobId(cut[1] ?? { rotationId: '', target: '', ordinal: 0 }));
  assert.deepEqual([await rotations.count(), await ranges.count()], [4, 4]);
  assert.equal(await ticketQueue.enqueueLost(tickets), true);
  assert.equal(await ticketQueue.enqueueLostRanges(cut), true);
  assert.deepEqual([await rotations.count(), await ranges.count()], [5, 5]);
  assert.equal(await ticketQueue.enqueueLost([]), true);
});

test('a ticket with more in it, as of a later version, keeps its place; one that asks for something else does not', async (t) => {
  const { ticketQueue, rotations, given } = await queues(t);
  const [ours, others] = [newTicket(), newTicket()];
  const options = { attempts: 9, backoff: { type: 'custom' } };
  const more = { since: 'a later version', ...ours };
  await rotations.add('rotate@2', more, { ...options, jobId: rotationJobId(ours) });
  const earlier = { ...others, rotationId: randomUUID(), since: 'a later version' };
  await rotations.add('rotate@2', earlier, { ...options, jobId: rotationJobId(others) });
  assert.equal(await ticketQueue.hurry([ours, others], []), true);
  assert.deepEqual(await given(), [more, others]);
});
