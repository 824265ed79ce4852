import { randomBytes } from 'node:crypto';
import type { RunningProcess } from '@rekey/stack';
import { Redis } from 'ioredis';
import type { Series } from '../bench.ts';
import { statusPath } from '../rig/api-client.ts';
import { startInstallation } from '../rig/installation.ts';
import { populate } from '../rig/population.ts';
import { figureOf } from '../stats.ts';
import { loadAll, startBare, withPublisher } from './status-polls.ts';

const tenants = 100;
const rotationsOfEach = 10;
const records = 3;
const lanes = 8;

/** The same as `status-polls` where many clients follow many rotations, most of which have ended. */
export const spreadPolls: Series = {
  name: 'spread-polls',
  quick: true,
  async run(bench) {
    const { rig, parameters } = bench;
    const population = await populate(
      rig,
      Array.from({ length: tenants }, () => records),
      parameters.valueBytes,
    );
    const installation = await startInstallation(rig, { databaseUrl: population.url, workers: 0 });
    const { api, apiUrl } = installation;
    const others: RunningProcess[] = [];
    const redis = new Redis(rig.redisUrl);
    const hashes = `${rig.prefix}_${randomBytes(4).toString('hex')}:`;
    try {
      const [ended, running]: [string[], string[]] = [[], []];
      const left = [...population.tenantIds];
      const lane = async (): Promise<void> => {
        for (let tenantId = left.pop(); tenantId !== undefined; tenantId = left.pop()) {
          for (let turn = 1; turn < rotationsOfEach; turn += 1) {
            const rotationId = await api.rotate(tenantId);
            await api.cancel(rotationId);
            ended.push(rotationId);
          }
          running.push(await api.rotate(tenantId));
        }
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      const all = [...ended, ...running];
      for (const rotationId of all) {
        const answer = await fetch(`${apiUrl}${statusPath(rotationId)}`, { headers: api.headers });
        await redis.hset(`${hashes}${rotationId}`, { body: await answer.text() });
      }
      // Clients do not ask in the order in which rotations began.
      const paths = all.map(statusPath).sort(() => Math.random() - 0.5);
      const bare = await startBare(others, { REDIS_URL: rig.redisUrl, HASHES: hashes });
      return await withPublisher(bench, installation, population.url, running, async () => {
        const servers = [
          { label: 'bare Fastify with one HGETALL', url: bare, paths },
          { label: 'Rekey: GET …/rotations/{id}', url: apiUrl, paths },
        ];
        const [bareLoads = [], ours = []] = await loadAll(bench, servers, api.headers);
        return {
          name: 'spread-polls',
          title: `Status polls spread over ${all.length} rotations of ${tenants} tenants`,
          columns: ['polls/s', '× bare', 'p50 ms', 'p99 ms'],
          rows: [bareLoads, ours].map((loads, i) => ({
            label: servers[i]?.label ?? '',
            cells: {
              'polls/s': figureOf(loads.map(({ perSecond }) => perSecond)),
              '× bare': figureOf(
                loads.map(({ perSecond }, r) => perSecond / (bareLoads[r]?.perSecond ?? perSecond)),
              ),
              'p50 ms': figureOf(loads.map(({ p50 }) => p50)),
              'p99 ms': figureOf(loads.map(({ p99 }) => p99)),
            },
          })),
          notes: [
            `As the status polls; ${running.length} of the rotations run, and their snapshots are renewed in Redis every 200 ms, the others have ended.`,
          ],
        };
      });
    } finally {
      redis.disconnect();
      for (const server of others) await server.stop();
      await installation.stop();
      await population.drop();
    }
  },
};
