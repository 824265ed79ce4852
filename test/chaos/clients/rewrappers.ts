import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { World } from '../world/world.ts';
import { callAdmin } from './api-client.ts';
import type { Client } from './readers.ts';
import type { ChaosTenant } from './records.ts';

interface RewrapAnswer {
  readonly success?: boolean;
  readonly error?: { readonly code?: string; readonly rewrapId?: string };
  readonly data: {
    readonly rewrapId: string;
    readonly status: string;
    readonly keysRemaining: number;
    readonly keysSetAside: number;
    readonly fingerprintBefore: string | null;
    readonly fingerprintAfter: string | null;
    readonly completedAt: string | null;
  };
}

interface RewrapperOptions {
  readonly tenants: readonly ChaosTenant[];
  /** The KEKs by their names. */
  readonly keks: readonly string[];
  readonly random: Random;
}

const pollEveryMs = 200;

/**
 * Brings DEKs from one KEK to another, of one tenant or of all, again and again: plans, starts, follows, pauses and resumes
 * some, cancels some. One that is under way when the signal comes is left to come to its end.
 */
export function rewrapper(world: World, { tenants, keks, random }: RewrapperOptions): Client {
  return async (signal) => {
    while (!signal.aborted) {
      await sleep(random.integer(100, 1_500), undefined, { signal }).catch(() => {});
      const { tenantId } = random.pick(tenants);
      const scope = random.chance(0.08) ? { all: true } : { tenantId };
      const order = { ...scope, kek: random.pick(keks) };
      const plan = {
        what: 'plan-rewrap',
        method: 'POST',
        path: 'kek/rewrap/plan',
        id: null,
        body: order,
      } as const;
      if (random.chance(0.3)) await callAdmin(world, random.pick(world.apis), plan);
      const id = await start(world, order, random, signal);
      if (id !== null) await follow(world, id, random, signal);
    }
  };
}

/**
 * Null: another rewrap is in the way, or some process has not proved that KEK and this is not one to force. Every process here has every
 * KEK, also one that was killed before it could say so.
 */
async function start(
  world: World,
  order: { readonly kek: string },
  random: Random,
  signal: AbortSignal,
): Promise<string | null> {
  // Enough for them to take some time.
  let body: object = { ...order, callsPerSecondMax: random.pick([20, 100, 1_000]) };
  let idempotencyKey = randomUUID();
  const forces = random.chance(0.7);
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const request = { what: 'rewrap', method: 'POST', path: 'kek/rewrap', id: null } as const;
    const { status, body: answer } = await callAdmin<RewrapAnswer>(
      world,
      random.pick(world.apis),
      { ...request, body, idempotencyKey, replay: attempt > 0 },
      ({ success, data }) => (success === true ? { id: data.rewrapId } : {}),
    );
    if (answer?.success === true) return answer.data.rewrapId;
    if (status === 409 && answer?.error?.code === 'REWRAP_REFUSED' && forces && !('force' in body)) {
      body = { ...body, force: true, reason: 'all of them have it' };
      idempotencyKey = randomUUID();
      continue;
    }
    if (status === 409) return null;
    await sleep(Math.min(1_000, 100 + attempt * 100));
  }
  return null;
}

type Steering = 'pause' | 'resume' | 'cancel';

async function follow(world: World, id: string, random: Random, signal: AbortSignal): Promise<void> {
  const steer = async (how: Steering): Promise<boolean> => {
    const path = `kek/rewraps/${id}/${how}`;
    const request = { what: `${how}-rewrap`, method: 'POST', path, id } as const;
    const { status } = await callAdmin(world, random.pick(world.apis), request);
    return status === 200 || status === 409; // it has ended meanwhile
  };
  const began = world.history.now();
  const at = (chance: number): number =>
    began + (random.chance(chance) ? random.integer(0, 1_500) : Number.POSITIVE_INFINITY);
  let pausesAt = at(0.3);
  let resumesAt = Number.POSITIVE_INFINITY;
  let cancelsAt = at(0.12);
  for (;;) {
    const now = world.history.now();
    if (now >= pausesAt && (await steer('pause'))) {
      pausesAt = Number.POSITIVE_INFINITY;
      resumesAt = now + random.integer(100, 2_000);
    }
    if (
      (now >= resumesAt || (signal.aborted && resumesAt < Number.POSITIVE_INFINITY)) &&
      (await steer('resume'))
    )
      resumesAt = Number.POSITIVE_INFINITY;
    if (now >= cancelsAt && (await steer('cancel'))) cancelsAt = Number.POSITIVE_INFINITY;
    if (signal.aborted && resumesAt === Number.POSITIVE_INFINITY) return;
    const path = `kek/rewraps/${id}`;
    const request = { what: 'rewrap-status', method: 'GET', path, id } as const;
    const { body } = await callAdmin<RewrapAnswer>(world, random.pick(world.apis), request);
    if (body?.success === true && body.data.completedAt !== null) return judgeEnd(world, body.data);
    await sleep(pollEveryMs);
  }
}

/** None of the faults is a reason to leave a DEK behind, and what must stay as it is has stayed so. */
function judgeEnd({ history }: World, ended: RewrapAnswer['data']): void {
  const { rewrapId, status, keysRemaining, keysSetAside, fingerprintBefore, fingerprintAfter } = ended;
  if (status === 'cancelled') return;
  if (status !== 'completed' || keysRemaining + keysSetAside > 0)
    history.violation(
      'rewraps',
      `${rewrapId} ended ${status} with ${keysSetAside} DEKs set aside and ${keysRemaining} left`,
    );
  if (fingerprintBefore !== fingerprintAfter)
    history.violation('rewraps', `${rewrapId} has another fingerprint than before`);
}
