import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '../world/world.ts';
import type { Violation } from './violation.ts';

/** A process that has just started holds about 30 descriptors; its pools fill and empty by a few dozen. */
const fdsMax = 120;
/** Node's heap and pg's buffers of a worker that works lie well below. */
const rssMaxMb = 450;

export interface Usage {
  readonly name: string;
  readonly fds: number;
  readonly rssMb: number;
}

/** What our processes hold once the faults are over and everything has come to rest. */
export async function checkLeaks(world: World): Promise<{ usages: Usage[]; violations: Violation[] }> {
  await sleep(1_000);
  const violations: Violation[] = [];
  const usages: Usage[] = [];
  const add = (what: string): number => violations.push({ check: 'leaks', what });
  for (const slot of [...world.workers, ...world.apis]) {
    const usage = slot.usage();
    if (usage === null) {
      add(`${slot.name} is not running`);
      continue;
    }
    usages.push({ name: slot.name, ...usage });
    if (usage.fds > fdsMax) add(`${slot.name} holds ${usage.fds} descriptors`);
    if (usage.rssMb > rssMaxMb) add(`${slot.name} holds ${usage.rssMb} MB`);
  }
  const { rows } = await world.pool.query<{ name: string; n: string; stuck: string }>(
    `select application_name as name, count(*) as n,
       count(*) filter (where state like 'idle in transaction%' and state_change < now() - interval '5 seconds') as stuck
     from pg_stat_activity where datname = current_database() group by 1`,
  );
  const most: Record<string, number> = {
    'rekey-worker': 8 * world.workers.length,
    'rekey-sweep': 12 * world.workers.length,
    'rekey-api': 12 * world.apis.length,
  };
  for (const { name, n, stuck } of rows) {
    if (Number(n) > (most[name] ?? Number.POSITIVE_INFINITY)) add(`${n} connections of ${name}`);
    if (Number(stuck) > 0) add(`${stuck} connections of ${name} idle in a transaction`);
  }
  return { usages, violations };
}
