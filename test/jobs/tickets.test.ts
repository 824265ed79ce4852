import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import {
  backoffMs,
  createTicketQueue,
  isOfLaterVersion,
  keysOf,
  parseRangeTicket,
  parseRotationTicket,
  rangeJobId,
  rotationJobId,
} from '@rekey/jobs';
import { Queue } from 'bullmq';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { testIdentity, testRedis } from '../harness/redis.ts';
import { takesUnder } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';

const { url, prefix } = testRedis();
const identity = await testIdentity();
const keys = keysOf(prefix, { id: identity.known()?.id ?? '' });
const rotation = { rotationId: randomUUID(), tenantId: randomUUID() };
const range = { rotationId: randomUUID(), target: 'api_keys', ordinal: 3 };

test('a ticket is taken only with ids that are ids, and what else is in it is passed over', () => {
  assert.deepEqual(parseRotationTicket(rotation), rotation);
  assert.deepEqual(parseRangeTicket(range), range);
  assert.deepEqual(parseRotationTicket({ ...rotation, since: 'a later version' }), rotation);
  assert.deepEqual(parseRangeTicket({ ...range, since: 'a later version' }), range);
  for (const foreign of [
    null,
    undefined,
    'rotate',
    [],
    {},
    { ...rotation, tenantId: rotation.tenantId.toUpperCase() },
    { ...rotation, rotationId: `rot-${rotation.rotationId}` },
    { rotationId: rotation.rotationId },
    { ...rotation, tenantId: [rotation.tenantId] },
  ])
    assert.equal(parseRotationTicket(foreign), null, JSON.stringify(foreign));
  for (const foreign of [
    rotation,
    { ...range, ordinal: -1 },
    { ...range, ordinal: 1.5 },
    { ...range, ordinal: '3' },
    { ...range, target: 'secrets; drop table secrets' },
    { ...range, target: '' },
  ])
    assert.equal(parseRangeTicket(foreign), null, JSON.stringify(foreign));
  fc.assert(
    fc.property(fc.anything(), (data) => {
      assert.equal(parseRotationTicket(data), null);
      assert.equal(parseRangeTicket(data), null);
    }),
  );
});

test('the back-off doubles from 250 ms to 10 s, jittered, and never leaves these bounds', () => {
  for (const random of [() => 0, () => 0.5, () => 1 - Number.EPSILON]) {
    assert.ok(backoffMs(1, random) >= 125 && backoffMs(1, random) <= 250);
    assert.ok(backoffMs(6, random) >= 4_000 && backoffMs(6, random) <= 8_000);
  }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (attempts) => {
      const ms = backoffMs(attempts);
      assert.ok(Number.isInteger(ms) && ms >= 125 && ms <= 10_000, `${attempts}: ${ms}`);
    }),
  );
});

test('the version of a ticket stands in the name of its job, and none is the first', () => {
  for (const name of [
    'rotate',
    'sweep',
    'rotate@1',
    'sweep@1',
    'rotate@0',
    '',
    'x',
    'x@2',
    'rotate@',
    'rotate@x',
  ])
    assert.equal(isOfLaterVersion(name), false, name);
  for (const name of ['rotate@2', 'sweep@2', 'sweep@10']) assert.equal(isOfLaterVersion(name), true, name);
});

test('the queue holds one ticket per tenant and range, with ids only, and never for longer than it takes', async () => {
  const redis = new Redis(url, { maxRetriesPerRequest: null });
  const ticketQueue = createTicketQueue({ redisUrl: url, prefix, identity, onError: () => {} });
  const rotations = new Queue('rotations', { connection: redis, prefix: keys });
  const ranges = new Queue('ranges', { connection: redis, prefix: keys });
  try {
    await until(() => ticketQueue.enqueue(rotation), { what: 'the ticket queue is connected' });
    await ticketQueue.enqueue({ ...rotation, rotationId: randomUUID() });
    await ticketQueue.enqueueLost([rotation, { rotationId: randomUUID(), tenantId: randomUUID() }]);
    assert.equal(await rotations.getJobCountByTypes('prioritized'), 2);
    const job = await rotations.getJob(rotationJobId(rotation));
    assert.deepEqual(job?.data, rotation);
    assert.equal(job?.name, 'rotate@1');
    assert.deepEqual([job?.opts.removeOnComplete, job?.opts.removeOnFail], [true, true]);
    assert.ok((job?.opts.attempts ?? 0) > 1e9, 'attempts do not end a rotation');

    await ticketQueue.enqueueRanges([
      range,
      range,
      { ...range, ordinal: 900 },
      { ...range, ordinal: 10 ** 7, target: 'secrets' },
      { ...range, ordinal: 0 },
    ]);
    // The n-th range of every rotation before the (n+1)-th of any.
    const inOrder = (await ranges.getPrioritized()).map(({ data }) => data.ordinal);
    assert.deepEqual(inOrder, [0, 3, 900, 10 ** 7]);
    assert.ok((await ranges.getJob(rangeJobId(range)))?.opts.priority !== 0);
  } finally {
    await Promise.all([rotations.close(), ranges.close(), ticketQueue.close()]);
    redis.disconnect();
  }
});

test('with Redis away the ticket queue answers false at once and never throws', async (t) => {
  const errors: Error[] = [];
  const away = createTicketQueue({
    redisUrl: 'redis://127.0.0.1:1',
    prefix,
    identity,
    onError: (error) => errors.push(error),
  });
  await takesUnder(t, 1_000, async () => {
    assert.equal(await away.enqueue(rotation), false);
    assert.equal(await away.enqueueLost([rotation]), false);
    assert.equal(await away.enqueueRanges([range]), false);
  });
  assert.ok(errors.length > 0);
  await away.close();
});
