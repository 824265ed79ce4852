import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitRotation } from '@rekey/control';
import { createSpeedLimit, createSpeedLimits, fixedBatchSize, rotate } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';
import { total } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const never = new AbortController().signal;
const still = async (): Promise<boolean> => true;
const steering = { actor: { id: 'ada', name: null, email: null }, reason: null, mayRaise: true };
const limit = (rotationId: string, itemsPerSecondMax: number | null) =>
  limitRotation(core.store, rotationId, { ...steering, itemsPerSecondMax });

test('a process keeps to its part of the limit, and learns of another limit while it waits', async () => {
  const told = { itemsPerSecondMax: 100 as number | null, part: 0.5 };
  const seen: string[][] = [];
  const speedLimit = createSpeedLimit(
    async (owners) => {
      seen.push([...owners]);
      return { ...told };
    },
    { itemsPerSecondMax: 100, part: 0.5 },
  );
  const leave = speedLimit.enter('one');
  assert.equal(speedLimit.batchItemsMax, 5);
  const began = performance.now();
  await speedLimit.acquire(100, never, still);
  await speedLimit.acquire(1, never, still);
  assert.ok(performance.now() - began >= 1_900, 'a hundred records at fifty a second');

  // A debt of an hour, which another limit lifts.
  await speedLimit.acquire(200_000, never, still);
  const waiting = speedLimit.acquire(1, never, still);
  told.itemsPerSecondMax = null;
  assert.equal(await waiting, true);
  assert.equal(speedLimit.batchItemsMax, Number.POSITIVE_INFINITY);
  assert.deepEqual(seen.at(-1), ['one']);
  leave();
});

test('whoever waits for long renews the lease, and gives up once it is lost', async () => {
  const read = async () => ({ itemsPerSecondMax: 1, part: 1 });
  const speedLimit = createSpeedLimit(read, await read());
  await speedLimit.acquire(1_000_000, never, still);
  let asked = 0;
  const lost = await speedLimit.acquire(1, never, async () => {
    asked += 1;
    return asked < 2;
  });
  assert.deepEqual([lost, asked], [false, 2]);
});

test('a rotation that runs is held back, by two processes together, and let go again', async (t) => {
  const { tenantId } = await core.tenantWith(6_000);
  const rotationId = await core.start(tenantId);
  const ratePerSecond = 200;
  assert.equal((await limit(rotationId, ratePerSecond)).kind, 'changed');
  assert.equal((await core.view(rotationId)).itemsPerSecondMax, ratePerSecond);
  const began = performance.now();
  // Where both come to one row on a busy machine, the job of one comes back.
  const rotating = [1, 2].map(() => {
    const speedLimits = createSpeedLimits(core.store);
    const env = core.environment({ batchSize: fixedBatchSize(100), speedLimits });
    return until(() => rotate(env, rotationId, never), { what: 'its job has ended' });
  });
  const done = async (): Promise<number> => total((await core.view(rotationId)).itemsRotated);
  await until(async () => (await done()) >= 600, { what: 'some of it is done', everyMs: 20 });
  const seconds = (performance.now() - began) / 1_000;
  t.diagnostic(`${await done()} records in ${seconds.toFixed(1)} s at ${ratePerSecond}/s`);
  // Until both know of each other, and of what was granted ahead of its time.
  assert.ok(seconds >= 600 / ratePerSecond - 1.5, `after ${seconds} s`);

  await limit(rotationId, null);
  await Promise.all(rotating);
  const view = await core.view(rotationId);
  assert.deepEqual(
    [view.status, total(view.itemsRotated), view.itemsPerSecondMax],
    ['completed', 6_000, null],
  );
  // The rest would have taken 27 s.
  assert.ok((performance.now() - began) / 1_000 - seconds < 15);
  assert.equal((await limit(rotationId, 5)).kind, 'finished');
});
