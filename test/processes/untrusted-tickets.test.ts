import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { installation } from '../harness/installation.ts';
import { upToThreeTimes } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';

// Whoever can write to Redis writes into the queues.
const rekey = await installation({ workers: 0 });
const { keys } = rekey;
const redis = new Redis(rekey.redis.url);
test.after(() => redis.disconnect());
const { log } = await workerHere(rekey, rekey.kek);

const newRotation = async (records = 34) => {
  const { tenantId } = await rekey.seedTenant(records);
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  return { tenantId, id: rotationId.slice(4), rotationId };
};
let count = 0;
async function plant(queue: string, fields: Record<string, string>): Promise<void> {
  count += 1;
  const jobId = `planted-${count}`;
  await redis.hset(`${keys}:${queue}:${jobId}`, {
    timestamp: '1',
    delay: '0',
    priority: '0',
    opts: '{}',
    ...fields,
  });
  await redis.rpush(`${keys}:${queue}:wait`, jobId);
}
const wake = (queue: string) => redis.zadd(`${keys}:${queue}:marker`, 0, '0');

test('forged and broken tickets end no process, change no rotation, and hold nobody up for long', async (t) => {
  const done = await newRotation();
  assert.equal((await rekey.ended(done.rotationId)).status, 'completed');
  const nobody = { rotationId: randomUUID(), tenantId: randomUUID() };
  const data = [
    '{',
    'null',
    '[]',
    JSON.stringify(nobody),
    JSON.stringify({ ...nobody, rotationId: done.id }),
    JSON.stringify({ rotationId: done.id, tenantId: done.tenantId, x: 1 }),
    JSON.stringify({ rotationId: done.id, target: 'secrets', ordinal: 2_147_483_647 }),
    JSON.stringify({ rotationId: done.id, target: 'secrets', ordinal: 1e15 }),
    JSON.stringify({ rotationId: done.id, target: 'nothing', ordinal: 0 }),
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
    `"${'y'.repeat(2 ** 20)}"`,
  ];
  for (const queue of ['rotations', 'ranges']) {
    for (const one of data) await plant(queue, { name: 'rotate', data: one });
    const bad = [
      { opts: '{' },
      { opts: 'null' },
      { opts: '{"__proto__":{"polluted":1},"attempts":"x","backoff":{"type":"../evil"},"delay":"x"}' },
      { opts: '{"repeat":{"pattern":"* * * * * *"},"repeatJobKey":"a:b:c:d:e"}', rjk: 'a:b:c:d:e' },
      { parentKey: 'nonsense', parent: '{' },
      { stacktrace: '{', atm: 'x', stc: 'x', defa: 'evil' },
    ];
    for (const fields of bad) await plant(queue, { name: 'x', data: '{}', ...fields });
    await redis.rpush(`${keys}:${queue}:wait`, 'no-such-job', '', 'x'.repeat(10_000));
    await wake(queue);
  }
  const began = performance.now();
  const after = await newRotation();
  assert.equal((await rekey.ended(after.rotationId, { timeoutMs: 45_000 })).status, 'completed');
  t.diagnostic(`completed ${Math.round(performance.now() - began)} ms after`);
  assert.equal(Object.getOwnPropertyNames(Object.prototype).includes('polluted'), false);
  assert.equal((await rekey.status(done.rotationId)).body.data.status, 'completed');
});

test("a forged ticket for a range that no plan has does not make another's rotation wait", async () => {
  const { id, rotationId } = await newRotation(12_000);
  for (const ordinal of [999, 2_147_483_647, 4_000_000_000])
    await plant('ranges', {
      name: 'sweep',
      data: JSON.stringify({ rotationId: id, target: 'secrets', ordinal }),
    });
  await wake('ranges');
  const ended = await rekey.ended(rotationId, { timeoutMs: 45_000 });
  assert.deepEqual([ended.status, ended.waitingFor], ['completed', null]);
  assert.doesNotMatch(log.join('\n'), /"msg":"rotation waits"/);
});

test('a tenant whose ticket Redis has lost from its lists is rotated all the same, within half a minute', async (t) => {
  const { tenantId } = await rekey.seedTenant(34);
  // The id is taken before the call, by a job that is in no list.
  const jobId = `rotate-${tenantId}`;
  await redis.hset(`${keys}:rotations:${jobId}`, {
    timestamp: '1',
    delay: '0',
    priority: '0',
    name: 'rotate',
    opts: '{}',
    data: JSON.stringify({ rotationId: randomUUID(), tenantId }),
  });
  const began = performance.now();
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId, { timeoutMs: 30_000 })).status, 'completed');
  t.diagnostic(`after ${Math.round(performance.now() - began)} ms`);
  await until(async () => (await redis.exists(`${keys}:rotations:${jobId}`)) === 0, {
    what: 'nothing is left of it',
  });
});

test("two installations that share a Redis and a prefix do not take each other's tickets", async (t) => {
  const other = await installation({ redis: rekey.redis, workers: 0 }, t);
  const theirs = other.keys;
  assert.notEqual(theirs, keys);
  const { tenantId } = await other.seedTenant(34);
  const { rotationId } = (await other.rotate(tenantId)).body.data;
  await upToThreeTimes(t, async () => {
    const began = performance.now();
    for (let i = 0; i < 3; i += 1) {
      const { rotationId: ours } = await newRotation();
      assert.equal((await rekey.ended(ours, { timeoutMs: 2_900 })).status, 'completed', 'by the ticket');
    }
    t.diagnostic(`three in ${Math.round(performance.now() - began)} ms`);
  });
  assert.equal(
    await redis.exists(`${theirs}:rotations:rotate-${tenantId}`),
    1,
    'their ticket waits for their worker',
  );
  assert.equal((await other.status(rotationId)).body.data.status, 'in_progress');
  await workerHere(other, other.kek, t);
  assert.equal((await other.ended(rotationId)).status, 'completed');
});

test('a flood of junk is dropped, with a line now and then instead of one each', async (t) => {
  const before = log.filter((line) => line.includes('none of ours')).length;
  const junk = 100_000;
  for (let i = 0; i < junk; i += 1_000) {
    const line = redis.pipeline();
    for (let n = i; n < i + 1_000; n += 1) {
      line.hset(`${keys}:rotations:junk-${n}`, {
        timestamp: '1',
        delay: '0',
        priority: '0',
        data: '{}',
        opts: '{"removeOnComplete":true}',
        name: 'x',
      });
      line.lpush(`${keys}:rotations:wait`, `junk-${n}`);
    }
    await line.exec();
  }
  await wake('rotations');
  const began = performance.now();
  const { rotationId } = await newRotation();
  assert.equal((await rekey.ended(rotationId, { timeoutMs: 45_000 })).status, 'completed');
  t.diagnostic(`behind ${junk} of them after ${Math.round(performance.now() - began)} ms`);
  assert.ok(log.filter((line) => line.includes('none of ours')).length - before <= 3);
  assert.ok((await redis.llen(`${keys}:rotations:wait`)) > 1_000, 'the flood is not over yet');
});
