/** That tickets because of a compromised key come before those that are not, whenever they come and however often. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createTicketQueue } from '@rekey/jobs';
import { DelayedError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { testIdentity, testRedis } from '../harness/redis.ts';
import { until } from '../harness/wait.ts';

const { url, prefix } = testRedis();
const redis = new Redis(url, { maxRetriesPerRequest: null });
test.after(() => redis.disconnect());

const ordinary = () => ({ rotationId: randomUUID(), tenantId: randomUUID() });
const compromise = () => ({ ...ordinary(), compromise: true });

async function queue(t: { after(clean: () => Promise<void>): void }) {
  const id = randomUUID().slice(0, 8);
  const ticketQueue = createTicketQueue({
    redisUrl: url,
    prefix,
    identity: await testIdentity(id),
    onError: () => {},
  });
  t.after(() => ticketQueue.close());
  await until(async () => (await ticketQueue.check()) === null, { what: 'the ticket queue is connected' });
  /** The rotations or ranges that a worker with one place is given, in order; the first `puts` are put off for a moment. */
  const given = async (name: 'rotations' | 'ranges', count: number, puts = 0): Promise<string[]> => {
    const taken: string[] = [];
    let left = puts;
    const worker = new Worker(
      name,
      async (job, token) => {
        const { rotationId, ordinal = '' } = job.data;
        taken.push(`${rotationId}${ordinal}`);
        if (left > 0) {
          left -= 1;
          await job.moveToDelayed(Date.now() + 5, token);
          throw new DelayedError();
        }
        await new Promise((resolve) => setTimeout(resolve, 5));
      },
      { connection: redis, prefix: `${prefix}:${id}` },
    );
    worker.on('error', () => {});
    t.after(() => worker.close());
    await until(() => taken.length === count, { what: 'all of them were given' });
    await worker.close();
    return taken;
  };
  return { ticketQueue, given };
}

test('of rotations: before all that wait, the latest first', async (t) => {
  const { ticketQueue, given } = await queue(t);
  const [first, second] = [ordinary(), ordinary()];
  const [urgent, later] = [compromise(), compromise()];
  for (const ticket of [first, urgent, second, later]) assert.equal(await ticketQueue.enqueue(ticket), true);
  assert.deepEqual(
    await given('rotations', 4),
    [later, urgent, first, second].map(({ rotationId }) => rotationId),
  );
});

test('of rotations: also one that was lost and is put back, and one that comes back after trouble', async (t) => {
  const { ticketQueue, given } = await queue(t);
  const others = Array.from({ length: 30 }, ordinary);
  const urgent = compromise();
  await ticketQueue.enqueueLost([...others, urgent]);
  const taken = await given('rotations', 32, 1);
  assert.equal(taken[0], urgent.rotationId);
  // It was put off for about as long as one of the others takes; behind them it would be the last.
  const again = taken.indexOf(urgent.rotationId, 1);
  assert.ok(again > 0 && again < 15, `it came back as number ${again} of 32`);
});

test('of ranges: before all that wait, whatever their ordinal', async (t) => {
  const { ticketQueue, given } = await queue(t);
  const range = (rotationId: string, ordinal: number) => ({ rotationId, target: 'secrets', ordinal });
  const [small, urgent] = [randomUUID(), randomUUID()];
  await ticketQueue.enqueueRanges([0, 1].map((n) => range(small, n)));
  await ticketQueue.enqueueRanges([7, 8].map((n) => ({ ...range(urgent, n), compromise: true })));
  const taken = await given('ranges', 4);
  assert.deepEqual(taken.slice(0, 2).sort(), [`${urgent}7`, `${urgent}8`]);
  assert.deepEqual(taken.slice(2), [`${small}0`, `${small}1`]);
});
