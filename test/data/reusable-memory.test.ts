import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createReusableMemory } from '../../packages/data/src/reusable-memory.ts';

const megabyte = 1024 * 1024;

test('memory in use is nobody else’s, is as large as was asked for, and comes back zeroed', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ take: fc.integer({ min: 0, max: 3 * megabyte }) }),
      fc.record({ giveBack: fc.nat({ max: 20 }) }),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (sequence) => {
      const reusable = createReusableMemory(8 * megabyte);
      const inUse: { memory: Buffer; mark: number }[] = [];
      let mark = 0;
      for (const step of sequence) {
        if ('take' in step) {
          const memory = reusable.take(step.take);
          assert.ok(memory.length >= step.take);
          mark = (mark % 255) + 1;
          memory.fill(mark);
          inUse.push({ memory, mark });
        } else {
          const [given] = inUse.splice(step.giveBack % Math.max(1, inUse.length), 1);
          if (given === undefined) continue;
          reusable.giveBack(given.memory);
          const again = reusable.take(given.memory.length);
          if (again === given.memory) assert.ok(again.every((byte) => byte === 0));
          reusable.giveBack(again);
        }
        for (const { memory, mark } of inUse) {
          assert.equal(memory[0], mark);
          assert.equal(memory.at(-1), mark);
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('what is given back is used again, and is never a part of other memory', () => {
  const reusable = createReusableMemory(megabyte);
  const first = reusable.take(70_000);
  reusable.giveBack(first);
  assert.equal(reusable.take(90_000), first, 'a little larger');
  assert.notEqual(reusable.take(90_000), first);
  assert.equal(reusable.take(0).buffer.byteLength, reusable.take(1).length);
});

test('no more is kept than allowed, and nothing large', () => {
  const reusable = createReusableMemory(3 * megabyte);
  const several = Array.from({ length: 4 }, () => reusable.take(megabyte));
  for (const memory of several) reusable.giveBack(memory);
  const again = Array.from({ length: 4 }, () => reusable.take(megabyte));
  assert.equal(again.filter((memory) => several.includes(memory)).length, 3);

  const roomy = createReusableMemory(100 * megabyte);
  const large = roomy.take(10 * megabyte);
  assert.equal(large.length, 10 * megabyte);
  roomy.giveBack(large);
  assert.notEqual(roomy.take(10 * megabyte), large);
});
