import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { rows, type Store } from '@rekey/db';
import type { Bench, Series } from '../bench.ts';
import { type CpuUse, type Installation, startInstallation } from '../rig/installation.ts';
import { populate, withStore } from '../rig/population.ts';
import { figureOf } from '../stats.ts';
import type { Cell } from '../table.ts';

const callsInFlight = 20;
const timeoutMs = 600_000;

/** How many small tenants a worker gets done when all of them are rotated at once. */
export const manyTenants: Series = {
  name: 'many-tenants',
  quick: true,
  async run(bench) {
    const { rig, parameters } = bench;
    const { tenants, tenantRecords, rounds } = parameters;
    bench.say(`seeding ${tenants} tenants of ${tenantRecords} records`);
    const sizes = Array.from({ length: tenants }, () => tenantRecords);
    const population = await populate(rig, sizes, parameters.valueBytes);
    const installation = await startInstallation(rig, { databaseUrl: population.url, workers: 1 });
    try {
      const perSecond: number[] = [];
      const uses: CpuUse[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        const used = await installation.watchCpu();
        const ms = await withStore(population.url, (store) =>
          rotateAll(bench, installation, store, population.tenantIds),
        );
        uses.push(await used());
        perSecond.push((tenants * 1_000) / ms);
        bench.say(`round ${round}: ${Math.round((tenants * 1_000) / ms)} rotations/s`);
      }
      const each = (part: keyof CpuUse): Cell => {
        const values = uses.flatMap(({ [part]: ms }) => (ms === null ? [] : [ms / tenants]));
        return values.length === 0 ? null : figureOf(values);
      };
      return {
        name: 'many-tenants',
        title: `${tenants} tenants of ${tenantRecords} records, rotated at once`,
        columns: ['rotations/s', 'records/s', 'CPU ms each: worker', 'API', 'all else', 'idle'],
        rows: [
          {
            label: '1 worker',
            cells: {
              'rotations/s': figureOf(perSecond),
              'records/s': figureOf(perSecond.map((rate) => rate * tenantRecords)),
              'CPU ms each: worker': each('workers'),
              API: each('api'),
              'all else': each('others'),
              idle: each('idle'),
            },
          },
        ],
        notes: [
          `From the first call to the last rotation completed, ${callsInFlight} calls in flight. CPU time is that of all ${cpus().length} cores, per rotation; all else is Postgres, Redis, and the client that calls and waits.`,
        ],
      };
    } finally {
      await installation.stop();
      await population.drop();
    }
  },
};

async function rotateAll(
  { rig }: Bench,
  { api }: Installation,
  store: Store,
  tenantIds: readonly string[],
): Promise<number> {
  const left = [...tenantIds];
  const begun = performance.now();
  const caller = async (): Promise<void> => {
    for (let tenantId = left.pop(); tenantId !== undefined; tenantId = left.pop()) await api.rotate(tenantId);
  };
  await Promise.all(Array.from({ length: callsInFlight }, caller));
  while (performance.now() - begun < timeoutMs) {
    const [{ unfinished } = { unfinished: '0' }] = await rows<{ unfinished: string }>(
      store,
      `select count(*) as unfinished from rekey.rotations where completed_at is null`,
    );
    if (unfinished === '0') return performance.now() - begun;
    await sleep(20, undefined, { signal: rig.signal });
  }
  throw new Error(`rotations were unfinished after ${timeoutMs} ms`);
}
