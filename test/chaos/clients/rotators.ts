import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { World } from '../world/world.ts';
import { callApi } from './api-client.ts';
import type { Client } from './readers.ts';

/** Whose rotation runs at the moment, for who wants to disturb exactly that one. */
export type Running = Map<string, string>;

export interface RotatorOptions {
  readonly tenantId: string;
  readonly running: Running;
  /** Tenants that are to be left without a rotation for a moment. */
  readonly held: ReadonlySet<string>;
  readonly random: Random;
  /** Called with the rotation's id as soon as a poll says that it completed. */
  readonly onEnded: (rotationId: string) => void;
}

const pollEveryMs = 120;

/** Rotates one tenant again and again: starts, polls to the end, sometimes cancels, sometimes begins anew at once. */
export function rotator(world: World, options: RotatorOptions): Client {
  const { tenantId, running, held, random, onEnded } = options;
  return async (signal) => {
    while (!signal.aborted) {
      while (held.has(tenantId) && !signal.aborted) await sleep(20);
      const rotationId = await start(world, tenantId, random, signal);
      if (rotationId === null) continue;
      running.set(tenantId, rotationId);
      const cancelAtMs = random.chance(0.12) ? random.integer(0, 1_500) : Number.POSITIVE_INFINITY;
      await follow(world, tenantId, rotationId, random, cancelAtMs, signal);
      running.delete(tenantId);
      onEnded(rotationId);
      // The new call comes in the very moment of the end, or some time later.
      if (random.chance(0.5)) await sleep(random.integer(0, 1_500));
    }
  };
}

/** Tries until some API says yes or names the one that runs; always under the same idempotency key. */
async function start(
  world: World,
  tenantId: string,
  random: Random,
  signal: AbortSignal,
): Promise<string | null> {
  const idempotencyKey = randomUUID();
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const api = random.pick(world.apis);
    const { status, body } = await callApi(world, api, {
      what: 'rotate',
      tenantId,
      id: null,
      idempotencyKey,
      replay: attempt > 0,
    });
    if (status === 200 && body !== null) return body.data.rotationId;
    if (status === 409 && body !== null) return body.error.rotationId;
    await sleep(Math.min(1_000, 100 + attempt * 100));
  }
  return null;
}

async function follow(
  world: World,
  tenantId: string,
  id: string,
  random: Random,
  cancelAtMs: number,
  signal: AbortSignal,
): Promise<void> {
  const began = world.history.now();
  let cancelled = false;
  while (!signal.aborted) {
    const api = random.pick(world.apis);
    if (!cancelled && world.history.now() - began >= cancelAtMs) {
      cancelled = (await callApi(world, api, { what: 'cancel', tenantId, id })).status === 200;
    }
    const { status, body } = await callApi(world, api, { what: 'status', tenantId, id });
    if (status === 200 && body?.success === true && body.data.completedAt !== null) return;
    await sleep(pollEveryMs);
  }
}
