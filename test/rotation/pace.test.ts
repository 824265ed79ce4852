import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPace, itemsPerSecondMin, rotate } from '@rekey/rotation';
import { seedTenant } from '../harness/seed.ts';
import { total, workbench } from '../harness/workbench.ts';

const bench = await workbench();
const never = new AbortController().signal;

test('a rotation that is held back takes as long as its records need at that pace, and completes', async () => {
  const { tenantId } = await seedTenant(bench.vault, 425);
  const env = bench.environment({ pace: createPace(1_000) });
  const rotationId = await bench.start(tenantId);
  const began = performance.now();
  assert.equal(await rotate(env, rotationId, never), 'ended');
  // The first batch (100 records) goes at once; the other 325 have to wait for their turn.
  assert.ok(performance.now() - began >= 300);
  assert.equal(total((await bench.view(rotationId)).itemsRotated), 425);
});

test('several ranges share one pace, and a pause is not made up for by a burst', async () => {
  const pace = createPace(1_000);
  await pace.turn(100, never);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const began = performance.now();
  await Promise.all([pace.turn(100, never), pace.turn(100, never), pace.turn(100, never)]);
  assert.ok(performance.now() - began >= 199);
});

test('no batch is so large at that pace that 64 ranges waiting for each other would lose their leases of 8 s', () => {
  for (const itemsPerSecond of [itemsPerSecondMin, 999, 50_000]) {
    assert.ok((64 * createPace(itemsPerSecond).batchItemsMax) / itemsPerSecond < 8);
  }
});

test('a signal ends the wait at once', async () => {
  const pace = createPace(itemsPerSecondMin);
  await pace.turn(6_000, never);
  const stop = new AbortController();
  const waiting = pace.turn(1, stop.signal);
  stop.abort();
  await waiting;
});
