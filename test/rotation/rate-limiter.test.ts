import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRateLimiter, itemsPerSecondMin, rotate } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';
import { seedTenant } from '../harness/seed.ts';
import { total } from '../harness/sweep-facts.ts';

const core = await rotationCore();
const never = new AbortController().signal;
const still = async (): Promise<boolean> => true;

test('a rotation that is held back takes as long as its records need at that rate, and completes', async () => {
  const { tenantId } = await seedTenant(core.vault, 425);
  const env = core.environment({ rateLimiter: createRateLimiter(1_000) });
  const rotationId = await core.start(tenantId);
  const began = performance.now();
  assert.equal(await rotate(env, rotationId, never), 'done');
  // The first batch (100 records) goes at once; the other 325 have to wait for their turn.
  assert.ok(performance.now() - began >= 300);
  assert.equal(total((await core.view(rotationId)).itemsRotated), 425);
});

test('several ranges share one limit, and a pause is not made up for by a burst', async () => {
  const rateLimiter = createRateLimiter(1_000);
  await rateLimiter.acquire(100, never, still);
  await new Promise((resolve) => setTimeout(resolve, 300));
  const began = performance.now();
  await Promise.all([1, 2, 3].map(() => rateLimiter.acquire(100, never, still)));
  assert.ok(performance.now() - began >= 199);
});

test('whoever waits for long gives signs of life, and is told to stop when they are refused', async () => {
  const rateLimiter = createRateLimiter(itemsPerSecondMin);
  await rateLimiter.acquire(1_000, never, still);
  const signs: number[] = [];
  const refused = rateLimiter.acquire(1, never, async () => {
    signs.push(performance.now());
    return signs.length < 2;
  });
  assert.equal(await refused, false);
  assert.equal(signs.length, 2);
});

test('a signal ends the wait at once', async () => {
  const rateLimiter = createRateLimiter(itemsPerSecondMin);
  await rateLimiter.acquire(6_000, never, still);
  const stop = new AbortController();
  const waiting = rateLimiter.acquire(1, stop.signal, still);
  stop.abort();
  assert.equal(await waiting, true);
});
