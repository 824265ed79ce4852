import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installation } from '../harness/installation.ts';
import { watchStalls } from '../harness/stalls.ts';

const rekey = await installation();

function figures(took: readonly number[]): { median: number; worst: number } {
  const sorted = [...took].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, worst: sorted.at(-1) ?? 0 };
}

test('85 records are rotated within a second of the call', async (t) => {
  const { tenantId } = await rekey.seedTenant(85);
  const took: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    const began = performance.now();
    const { body } = await rekey.rotate(tenantId);
    const ended = await rekey.ended(body.data.rotationId, { everyMs: 2 });
    took.push(performance.now() - began);
    assert.equal(ended.status, 'completed');
    assert.deepEqual(ended.itemsRotated, { credentials: 25, apiKeys: 10, secrets: 50 });
  }
  const { median, worst } = figures(took);
  t.diagnostic(`call to completed: median ${median.toFixed(0)} ms, worst ${worst.toFixed(0)} ms of 20`);
  assert.ok(median < 1_000);
});

test('a tenant rotated again the moment it is completed gets a rotation that runs: 200 times, none late', async (t) => {
  const { tenantId } = await rekey.seedTenant(3);
  const took: number[] = [];
  const stalls = await watchStalls(rekey.store);
  for (let round = 0; round < 200; round += 1) {
    const began = performance.now();
    const { status, body } = await rekey.rotate(tenantId);
    assert.equal(status, 200);
    const ended = await rekey.ended(body.data.rotationId, { everyMs: 1 });
    const now = performance.now();
    took.push(now - began - stalls.between(began, now));
    assert.equal(ended.status, 'completed');
  }
  await stalls.stop();
  const { median, worst } = figures(took);
  t.diagnostic(`call to completed: median ${median.toFixed(0)} ms, worst ${worst.toFixed(0)} ms of 200`);
  assert.ok(worst < median + 1_000, `${worst} ms against a median of ${median} ms`);
});
