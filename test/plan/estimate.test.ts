import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FinishedRotation } from '@rekey/control';
import { estimateRotation } from '@rekey/control';
import { atMost } from '@rekey/rotation';

const idle = { running: 0, waiting: 0, itemsAhead: 0 };
const finished = (items: number, seconds: number, walBytes: number | null = null): FinishedRotation => ({
  items,
  seconds,
  bytes: walBytes === null ? null : items * 100,
  walBytes,
});
const work = (records: number) => ({ records, bytes: records * 100, olderDeks: 1 });
const width = ({ low, high }: { low: number; high: number }): number => high / low;
const holds = ({ low, high }: { low: number; high: number }, value: number): boolean =>
  low <= value && value <= high;

test('what nothing like it was done for here is assumed, in a wide range, and said to be', () => {
  const { seconds, walBytes } = estimateRotation(work(100_000), { queue: idle, finished: [], workers: 1 });
  assert.deepEqual([seconds.by, walBytes.by], ['assumed', 'assumed']);
  assert.ok(holds(seconds, 5) && width(seconds) > 2);
  // One is chance, and a thousand times as many records are another thing.
  for (const others of [[finished(100_000, 5)], [finished(2_000, 0.1), finished(3_000, 0.1)]])
    assert.equal(
      estimateRotation(work(100_000), { queue: idle, finished: others, workers: 1 }).seconds.by,
      'assumed',
    );
});

test('others of about its size give a range around what it would take, never wider than one to two', () => {
  const others = [
    finished(85, 0.3, 90_000),
    finished(85, 0.3, 110_000),
    finished(50_000, 2.3, 25_000_000),
    finished(100_000, 4.3, 50_000_000),
    finished(200_000, 9.3, 98_000_000),
    finished(100_000, 40, 55_000_000), // one that something was in the way of
  ];
  for (const records of [20_000, 100_000, 400_000]) {
    const facts = { queue: idle, finished: others, workers: 1 };
    const { seconds, walBytes, kmsCalls } = estimateRotation(work(records), facts);
    assert.deepEqual([seconds.by, walBytes.by], ['measured', 'measured']);
    assert.ok(holds(seconds, 0.3 + records / 24_000), JSON.stringify({ records, seconds }));
    assert.ok(holds(walBytes, records * 500), JSON.stringify({ records, walBytes }));
    for (const range of [seconds, walBytes, kmsCalls]) assert.ok(width(range) < 2.001, JSON.stringify(range));
  }
  const small = estimateRotation(work(20), { queue: idle, finished: others, workers: 1 });
  assert.ok(holds(small.seconds, 0.3), JSON.stringify(small.seconds));
  // Without what 65 records more would have written.
  assert.ok(holds(small.walBytes, 70_000), JSON.stringify(small.walBytes));
});

test('what ended last counts for most, and one alone for little', () => {
  // The newest first: five that took half as long as those of a process that had just started.
  const now = [0.05, 0.06, 0.05].map((seconds) => finished(85, seconds));
  const before = [0.12, 0.12, 0.2, 0.25, 0.12].map((seconds) => finished(85, seconds));
  const told = (others: FinishedRotation[]) =>
    estimateRotation(work(85), { queue: idle, finished: others, workers: 1 }).seconds;
  assert.ok(holds(told([...now, ...before]), 0.052), JSON.stringify(told([...now, ...before])));
  assert.ok(holds(told([finished(85, 3), ...now]), 0.052), 'something was in the way of the last one');
});

test('what stands before it takes its time, and every worker that sweeps asks for the keys', () => {
  const others = [finished(100_000, 10), finished(100_000, 10)];
  const alone = estimateRotation(work(100_000), { queue: idle, finished: others, workers: 1 });
  const queue = { running: 1, waiting: 2, itemsAhead: 300_000 };
  const behind = estimateRotation(work(100_000), { queue, finished: others, workers: 3 });
  assert.ok(behind.seconds.low > 3.9 * alone.seconds.low && behind.seconds.high < 4.1 * alone.seconds.high);
  assert.deepEqual(behind.queue, queue);
  assert.deepEqual(alone.kmsCalls, { low: 2, high: 3 });
  assert.deepEqual(behind.kmsCalls, { low: 4, high: 7 });
});

test('a sample says how many of all there may be at most', () => {
  assert.equal(atMost(0, 1_000, 1_000), 0);
  assert.equal(atMost(7, 1_000, 1_000), 7);
  assert.equal(atMost(0, 0, 10), 10);
  // The rule of three: 1 - 0.05^(1/1000).
  assert.equal(atMost(0, 1_000, 1_000_000), 2_992);
  // Clopper and Pearson's upper 95 % for 5 of 1,000 is 1.048 %.
  const five = atMost(5, 1_000, 1_000_000);
  assert.ok(five > 10_400 && five < 10_560, String(five));
  assert.ok(atMost(999, 1_000, 2_000) <= 2_000);
});
