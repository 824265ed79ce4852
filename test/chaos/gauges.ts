import { setTimeout as sleep } from 'node:timers/promises';
import type { Gauge } from './checks/growth.ts';
import type { Client } from './clients/readers.ts';
import type { Slot } from './world/slot.ts';
import type { World } from './world/world.ts';

const everyMs = 2_000;

/** What each process holds, by the kernel and by our proxies, again and again during the whole run. */
export function gauges({ workers, apis, history }: Pick<World, 'workers' | 'apis' | 'history'>): {
  readonly taken: Gauge[];
  readonly take: Client;
} {
  const taken: Gauge[] = [];
  const takeOne = (slot: Slot): void => {
    const pid = slot.pid();
    const usage = slot.usage();
    if (pid === null || usage === null) return;
    const connections = slot.postgres.connections() + slot.redis.connections();
    taken.push({ name: slot.name, pid, at: history.now(), connections, ...usage });
  };
  return {
    taken,
    async take(signal) {
      while (!signal.aborted) {
        for (const slot of [...workers, ...apis]) takeOne(slot);
        await sleep(everyMs, undefined, { signal }).catch(() => {});
      }
    },
  };
}
