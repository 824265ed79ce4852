import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { World } from '../world/world.ts';
import { type CallOptions, callApi } from './api-client.ts';
import type { Client } from './readers.ts';
import type { Running } from './rotators.ts';

interface Steered {
  readonly tenantId: string;
  readonly id: string;
}

/** With Postgres away an API has given up by then. */
const givenUpMs = 4_000;
const rememberedMax = 20;
/** One stands still no longer than a fault that the harness waits for takes to show. */
const pausedMs = [30, 400] as const;

/** Pauses, resumes, limits, cancels and retries what runs, at random; behind the signal nothing is left paused or limited. */
export function steerer(world: World, running: Running, random: Random): Client {
  const call = async (what: CallOptions['what'], { tenantId, id }: Steered, limit?: number | null) =>
    callApi(world, random.pick(world.apis), {
      what,
      tenantId,
      id,
      ...(limit === undefined ? {} : { limit }),
    });
  /** Until an API has done it, or says that it has ended. */
  const surely = async (
    what: CallOptions['what'],
    steered: Steered,
    limit?: number | null,
  ): Promise<void> => {
    while (![200, 404, 409].includes((await call(what, steered, limit)).status)) await sleep(100);
  };
  return async (signal) => {
    const seen: Steered[] = [];
    while (!signal.aborted) {
      await sleep(random.integer(50, 500));
      const all = [...running];
      if (all.length === 0) continue;
      const [tenantId, id] = random.pick(all);
      const one = { tenantId, id };
      if (!seen.some((known) => known.id === id)) seen.push(one);
      if (seen.length > rememberedMax) seen.shift();
      const chance = random.next();
      if (chance < 0.5) {
        await call('pause', one);
        if (random.chance(0.2)) await call('pause', one);
        await sleep(random.integer(...pausedMs));
        await surely('resume', one);
      } else if (chance < 0.75) {
        await call('limit', one, random.integer(500, 5_000));
        await sleep(random.integer(...pausedMs));
        await surely('limit', one, null);
      } else if (chance < 0.8) await call('cancel', one);
      // Of one that has ended otherwise than well there is something left, if its key is still the active one.
      else await call('retry', random.pick(seen));
    }
    // A call that was given up may have been done since.
    for (const round of ['at once', 'later']) {
      if (round === 'later') await sleep(givenUpMs);
      for (const [tenantId, id] of running) seen.push({ tenantId, id });
      for (const one of seen.splice(0)) {
        await surely('resume', one);
        await surely('limit', one, null);
      }
    }
  };
}
