import type { Series } from '../bench.ts';
import { startInstallation } from '../rig/installation.ts';
import { populate } from '../rig/population.ts';
import { figureOf, percentile } from '../stats.ts';

const records = 85;
const pollEveryMs = 1;
const timeoutMs = 30_000;
const warmUpRounds = 10;

/** How long somebody waits for the rotation of an ordinary tenant, one at a time. */
export const smallRotations: Series = {
  name: 'small-rotations',
  quick: true,
  async run({ rig, parameters }) {
    const population = await populate(rig, [records], parameters.valueBytes);
    const [tenantId = ''] = population.tenantIds;
    const installation = await startInstallation(rig, { databaseUrl: population.url, workers: 1 });
    try {
      const times: number[] = [];
      for (let turn = -warmUpRounds; turn < parameters.smallRotations; turn += 1) {
        const begun = performance.now();
        const rotationId = await installation.api.rotate(tenantId);
        await installation.api.completed(rotationId, pollEveryMs, timeoutMs);
        if (turn >= 0) times.push(performance.now() - begun);
      }
      return {
        name: 'small-rotations',
        title: `A rotation of ${records} records, from the call to \`completed\``,
        columns: ['ms', 'p99 ms'],
        rows: [{ label: '1 worker', cells: { ms: figureOf(times), 'p99 ms': percentile(times, 0.99) } }],
        notes: [
          `${parameters.smallRotations} rotations, one after the other, as a client that polls sees them.`,
        ],
      };
    } finally {
      await installation.stop();
      await population.drop();
    }
  },
};
