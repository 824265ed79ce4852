import { fileURLToPath } from 'node:url';
import { findRotation, loadInstallation, reviveView } from '@rekey/control';
import { createIdentity, createSnapshots, keysOf } from '@rekey/jobs';
import { type RunningProcess, startProcess } from '@rekey/stack';
import type { Bench, Series } from '../bench.ts';
import { statusPath } from '../rig/api-client.ts';
import { freePort, type Installation, startInstallation } from '../rig/installation.ts';
import { type Load, load } from '../rig/load.ts';
import { populate, withStore } from '../rig/population.ts';
import { figureOf } from '../stats.ts';

const records = 85;
const publishEveryMs = 200;
/** Servers started once, loaded in turn: rounds cost little. */
const roundsMax = 3;

/** How many polls of a running rotation one API process answers, against Fastify with nothing in it. */
export const statusPolls: Series = {
  name: 'status-polls',
  quick: true,
  async run(bench) {
    const { rig, parameters } = bench;
    const population = await populate(rig, [records], parameters.valueBytes);
    const installation = await startInstallation(rig, { databaseUrl: population.url, workers: 0 });
    const others: RunningProcess[] = [];
    try {
      const [tenantId = ''] = population.tenantIds;
      const rotationId = await installation.api.rotate(tenantId);
      const path = statusPath(rotationId);
      const answer = await fetch(`${installation.apiUrl}${path}`, { headers: installation.api.headers });
      const body = await answer.text();
      const bare = await startBare(others, { BODY: body });
      const snapshot = await startBare(others, {
        REDIS_URL: rig.redisUrl,
        SNAPSHOT_KEY: `${keysOf(installation.queuePrefix, await withStore(population.url, loadInstallation))}:progress:${rotationId.replace('rot-', '')}`,
      });
      return await withPublisher(bench, installation, population.url, [rotationId], async () => {
        const servers = [
          { label: 'bare Fastify, the same body', url: `${bare}${path}` },
          { label: 'bare Fastify with one GET in Redis', url: `${snapshot}${path}` },
          { label: 'Rekey: GET …/rotations/{id}', url: `${installation.apiUrl}${path}` },
        ];
        const loads = await loadAll(bench, servers, installation.api.headers);
        const bareLoads = loads[0] ?? [];
        return {
          name: 'status-polls',
          title: 'Status polls of a running rotation',
          columns: ['polls/s', '× bare', 'p50 ms', 'p99 ms'],
          rows: servers.map(({ label }, i) => {
            const ours = loads[i] ?? [];
            return {
              label,
              cells: {
                'polls/s': figureOf(ours.map(({ perSecond }) => perSecond)),
                '× bare': figureOf(
                  ours.map(({ perSecond }, r) => perSecond / (bareLoads[r]?.perSecond ?? perSecond)),
                ),
                'p50 ms': figureOf(ours.map(({ p50 }) => p50)),
                'p99 ms': figureOf(ours.map(({ p99 }) => p99)),
              },
            };
          }),
          notes: [
            `${parameters.pollConnections} kept-alive connections, one server process each, no line per request in the log; ours also checks a token and counts for its rate limit. The rotation's snapshot is renewed in Redis every ${publishEveryMs} ms, as a worker does.`,
          ],
        };
      });
    } finally {
      for (const server of others) await server.stop();
      await installation.stop();
      await population.drop();
    }
  },
};

export async function loadAll(
  { parameters, say }: Bench,
  servers: ReadonlyArray<{
    readonly label: string;
    readonly url: string;
    readonly paths?: readonly string[];
  }>,
  headers: Readonly<Record<string, string>>,
): Promise<Load[][]> {
  const loads = servers.map(() => [] as Load[]);
  for (let round = 1; round <= Math.min(roundsMax, parameters.rounds); round += 1) {
    for (const [i, { label, url, paths }] of servers.entries()) {
      const { pollConnections: connections, pollMs: ms } = parameters;
      const result = await load({ url, headers, connections, ms, ...(paths === undefined ? {} : { paths }) });
      loads[i]?.push(result);
      say(`round ${round}: ${label}: ${Math.round(result.perSecond)} polls/s`);
    }
  }
  return loads;
}

export async function startBare(others: RunningProcess[], env: Record<string, string>): Promise<string> {
  const port = String(await freePort());
  const entry = fileURLToPath(new URL('../programs/bare-fastify.ts', import.meta.url));
  const server = startProcess({
    name: 'bare Fastify',
    entry,
    env: { PORT: port, ...env },
    readyLine: 'ready',
  });
  others.push(server);
  await server.ready;
  return `http://127.0.0.1:${port}`;
}

/** Publishes snapshots of the rotations, as a worker that sweeps them would. */
export async function withPublisher<T>(
  { rig }: Bench,
  { queuePrefix }: Installation,
  databaseUrl: string,
  rotationIds: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const [found, installation] = await withStore(databaseUrl, (store) =>
    Promise.all([
      Promise.all(rotationIds.map((rotationId) => findRotation(store, rotationId.replace('rot-', '')))),
      loadInstallation(store),
    ]),
  );
  const views = found.filter((view) => view !== null);
  const identity = createIdentity(async () => installation);
  await identity.get();
  const snapshots = createSnapshots(
    { redisUrl: rig.redisUrl, prefix: queuePrefix, identity, onError: () => {} },
    reviveView,
  );
  let version = 1;
  const publish = (): void => {
    version += 1;
    for (const view of views) {
      const { id: rotationId, tenantId } = view;
      void snapshots.publish({ rotationId, tenantId, version, final: false, view });
    }
  };
  const timer = setInterval(publish, publishEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await snapshots.close();
  }
}
