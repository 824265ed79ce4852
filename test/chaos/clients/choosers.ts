import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { World } from '../world/world.ts';
import { callAdmin } from './api-client.ts';
import type { Client } from './readers.ts';
import type { ChaosTenant } from './records.ts';

interface ChooserOptions {
  readonly tenants: readonly ChaosTenant[];
  readonly keks: readonly string[];
  readonly random: Random;
}

const againMs = 500;
/** Between two changes of mind. */
const stayMs = [3_000, 10_000] as const;

/**
 * Has each tenant choose another KEK for its next DEKs, as far as there are; then some tenant changes its mind now and then. A choice is
 * refused while a live process has not proved that KEK, as after each restart: it is made again.
 */
export function chooser(world: World, { tenants, keks, random }: ChooserOptions): Client {
  const choose = async ({ tenantId }: ChaosTenant, kek: string | undefined): Promise<boolean> => {
    const path = `tenants/${tenantId}/kek`;
    const request = { what: 'choose-kek', method: 'PUT', path, tenantId, id: null, body: { kek } } as const;
    const { status } = await callAdmin(world, random.pick(world.apis), request);
    return status === 202 || status === 200;
  };
  return async (signal) => {
    const waiting = tenants.map((tenant, i) => ({ tenant, kek: keks[i % keks.length] }));
    while (!signal.aborted) {
      const [next] = waiting;
      if (next === undefined) {
        waiting.push({ tenant: random.pick(tenants), kek: random.pick(keks) });
        await sleep(random.integer(...stayMs), undefined, { signal }).catch(() => {});
      } else {
        waiting.shift();
        if (await choose(next.tenant, next.kek)) continue;
        // Behind the others, so that one KMS in trouble keeps none of them waiting.
        waiting.push(next);
        await sleep(againMs, undefined, { signal }).catch(() => {});
      }
    }
  };
}
