import type { Series } from '../bench.ts';
import { startInstallation } from '../rig/installation.ts';
import { populate } from '../rig/population.ts';
import { percentile } from '../stats.ts';
import type { Row } from '../table.ts';

const warmUpCalls = 20;

/** Whether the call that starts a rotation is as quick for a large tenant as for a small one. */
export const rotateCall: Series = {
  name: 'rotate-call',
  quick: true,
  async run({ rig, parameters, say }) {
    const { callSizes, calls } = parameters;
    say(`seeding tenants of ${callSizes.join(', ')} records`);
    const population = await populate(rig, callSizes, parameters.valueBytes);
    // Without a worker: each rotation is cancelled as soon as it was started.
    const installation = await startInstallation(rig, { databaseUrl: population.url, workers: 0 });
    try {
      const rows: Row[] = [];
      for (const [i, tenantId] of population.tenantIds.entries()) {
        const times: number[] = [];
        for (let call = -warmUpCalls; call < calls; call += 1) {
          const begun = performance.now();
          const rotationId = await installation.api.rotate(tenantId);
          if (call >= 0) times.push(performance.now() - begun);
          await installation.api.cancel(rotationId);
        }
        const cells = { 'p50 ms': percentile(times, 0.5), 'p99 ms': percentile(times, 0.99) };
        rows.push({ label: `${callSizes[i]} records`, cells });
      }
      return {
        name: 'rotate-call',
        title: 'The rotate call, by tenant size',
        columns: ['p50 ms', 'p99 ms'],
        rows,
        notes: [`${calls} calls each, one after the other, each rotation cancelled at once.`],
      };
    } finally {
      await installation.stop();
      await population.drop();
    }
  },
};
