import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkGrowth, type Gauge } from './growth.ts';

/** A process looked at every two seconds. */
function life(seconds: number, held: (second: number) => Partial<Gauge>, pid = 1): Gauge[] {
  return Array.from({ length: seconds / 2 }, (_, i) => ({
    name: 'worker-1',
    pid,
    at: i * 2_000,
    rssMb: 150,
    fds: 30,
    connections: 10,
    ...held(i * 2),
  }));
}

test('a process whose memory is never given back is noticed', () => {
  const found = checkGrowth(life(300, (second) => ({ rssMb: 100 + second })));
  assert.match(found[0]?.what ?? '', /^worker-1 \(pid 1\) grew from 2\d\d to 3\d\d MB in 298 s$/);
});

test('memory that garbage collection gives back is no leak, nor is a warm-up', () => {
  assert.deepEqual(checkGrowth(life(300, (second) => ({ rssMb: 150 + ((second * 3) % 200) }))), []);
  assert.deepEqual(checkGrowth(life(300, (second) => ({ rssMb: second < 30 ? 60 : 240 }))), []);
});

test('a process that was replaced is not compared with the one before it', () => {
  const gauges = [...life(200, () => ({ rssMb: 90 }), 1), ...life(200, () => ({ rssMb: 250 }), 2)];
  assert.deepEqual(checkGrowth(gauges), []);
});

test('descriptors and connections beyond what pools may hold are noticed at any moment', () => {
  const found = checkGrowth(life(40, (second) => (second === 10 ? { fds: 500, connections: 90 } : {})));
  assert.deepEqual(
    found.map(({ what }) => what),
    ['worker-1 (pid 1) held 500 descriptors', 'worker-1 (pid 1) held 90 connections'],
  );
});
