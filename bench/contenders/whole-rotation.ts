import { type Installation, startInstallation } from '../rig/installation.ts';
import { figureOf } from '../stats.ts';
import { type Contender, runTimeoutMs } from './contender.ts';

/** Our rotation as operators have it: from the HTTP call to `completed`, through API, queue and worker processes. */
export function wholeRotation(
  workers: number,
  {
    name = `Rekey, whole rotation, ${plural(workers)}`,
    ...programs
  }: { name?: string; folder?: URL; workerEnv?: Record<string, string> } = {},
): Contender {
  return {
    name,
    async run({ rig, databaseUrl, dataset, prepared }) {
      const installation = await startInstallation(rig, { databaseUrl, workers, ...programs });
      const { api } = installation;
      const rotate = async (tenantId: string): Promise<void> => {
        await api.completed(await api.rotate(tenantId), pollEveryMs, runTimeoutMs);
      };
      try {
        // Workers live for weeks; the first seconds of a process say little about it.
        for (let turn = 0; turn < warmUpRounds; turn += 1) await rotate(dataset.warmUpTenantId);
        await prepared();
        const memory = watchMemory(installation);
        const begun = performance.now();
        await rotate(dataset.tenantId);
        const ms = performance.now() - begun;
        return {
          records: dataset.records,
          ms,
          rssMaxBytes: await installation.workerRssMax(),
          rssGrowth: memory.growth(),
        };
      } finally {
        await installation.stop();
      }
    },
  };
}

/** How the memory of the largest worker moves: the median of a run's last third over that of its middle third. */
function watchMemory({ workerRss }: Installation): { growth(): number | null } {
  const sizes: number[] = [];
  const timer = setInterval(
    () => void workerRss().then((size) => size !== null && sizes.push(size)),
    memoryEveryMs,
  );
  return {
    growth() {
      clearInterval(timer);
      const third = Math.floor(sizes.length / 3);
      if (third < 3) return null;
      return figureOf(sizes.slice(-third)).median / figureOf(sizes.slice(third, 2 * third)).median;
    },
  };
}

const memoryEveryMs = 250;
const pollEveryMs = 10;
const warmUpRounds = 2;

function plural(workers: number): string {
  return workers === 1 ? '1 worker' : `${workers} workers`;
}
