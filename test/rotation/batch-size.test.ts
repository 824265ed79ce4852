import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measuredBatchSize, measuredBatchSizes } from '@rekey/rotation';

const { itemsMin, itemsMax, slowMs } = measuredBatchSizes;

/** The sizes and durations of so many batches of records that take so long each. */
function batches(size: ReturnType<typeof measuredBatchSize>, count: number, msEach: number) {
  return Array.from({ length: count }, () => {
    const { items } = size;
    size.took(items, items * msEach);
    return { items, ms: items * msEach };
  });
}

test('a batch keeps within its sizes where records are quick', () => {
  const size = measuredBatchSize();
  batches(size, 4, 0.001);
  for (const { items } of batches(size, 60, 0.001)) assert.ok(items >= itemsMin && items <= itemsMax);
  assert.equal(size.items, itemsMax);
  for (const { items } of batches(size, 60, 0.3)) assert.ok(items >= itemsMin);
  assert.deepEqual([size.items, size.isSlow], [itemsMin, false]);
});

test('records that are slow by themselves come in batches as small as it takes, and in larger ones when they are quick again', () => {
  for (const msEach of [3, 40, 400]) {
    const size = measuredBatchSize();
    batches(size, 9, msEach);
    const settled = batches(size, 9, msEach);
    assert.ok(
      settled.every(({ items, ms }) => items === 1 || ms <= slowMs),
      `${msEach} ms each: ${JSON.stringify(settled)}`,
    );
    assert.ok(settled.some(({ items, ms }) => ms > slowMs / 4 || items === 1));
    batches(size, 12, 0.01);
    assert.ok(size.items >= itemsMin && !size.isSlow);
  }
});

test('one slow batch of many costs little', () => {
  const size = measuredBatchSize();
  batches(size, 40, 0.005);
  size.took(size.items, 5_000);
  batches(size, 2, 0.02);
  assert.ok(size.items >= itemsMin, `${size.items}`);
});
