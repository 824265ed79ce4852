import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis } from '@rekey/stack';
import { Redis } from 'ioredis';
import { freePort } from '../../packages/stack/src/free-port.ts';
import { startKeeper } from '../../packages/stack/src/keeper.ts';
import { findRedis } from '../../packages/stack/src/redis-program.ts';
import { type Owner, thisFile } from './cleanup.ts';
import { until } from './wait.ts';

/** A redis-server with this configuration, in a folder of its own; stopped by its owner. */
async function runRedis(lines: readonly string[], args: readonly string[], owner: Owner): Promise<void> {
  const program = await findRedis();
  const keeper = startKeeper({ folder: { prefix: join(tmpdir(), 'rekey-'), mode: 0o700 }, output: 'ignore' });
  owner.after(() => keeper.close());
  const folder = await keeper.folder;
  const config = join(folder, 'redis.conf');
  await writeFile(config, [...lines, `dir ${folder}`, ''].join('\n'), { mode: 0o600 });
  const server = keeper.run({
    ...program,
    args: [config, ...args],
    cwd: folder,
    logFile: join(folder, 'log'),
    stopWith: [{ signal: 'SIGTERM', waitMs: 5_000 }],
  });
  await server.pid;
}

/** A Sentinel that watches one master; the URL under which Rekey finds it. */
export async function startSentinel(owner: Owner = thisFile): Promise<string> {
  const master = await startRedis();
  owner.after(() => master.stop());
  const { port: masterPort, password } = new URL(master.url);
  const port = await freePort();
  await runRedis(
    [
      'bind 127.0.0.1',
      `port ${port}`,
      `sentinel monitor mymaster 127.0.0.1 ${masterPort} 1`,
      `sentinel auth-pass mymaster ${password}`,
    ],
    ['--sentinel'],
    owner,
  );
  const client = new Redis(port, '127.0.0.1', { lazyConnect: false });
  client.on('error', () => {});
  await until(
    async () => {
      const address: unknown = await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster');
      return Array.isArray(address) && String(address[1]) === masterPort;
    },
    { what: 'the Sentinel knows its master' },
  );
  client.disconnect();
  return `redis+sentinel://:${password}@127.0.0.1:${port}/mymaster`;
}

/** A Cluster of one node that serves all slots. */
export async function startCluster(owner: Owner = thisFile): Promise<string> {
  const port = await freePort();
  const password = randomBytes(12).toString('hex');
  await runRedis(
    [
      'bind 127.0.0.1',
      `port ${port}`,
      `cluster-port ${await freePort()}`,
      `requirepass ${password}`,
      'cluster-enabled yes',
      'cluster-announce-ip 127.0.0.1', // a node that never met another does not know its address
      'save ""',
      'maxmemory-policy noeviction',
    ],
    [],
    owner,
  );
  const client = new Redis({ port, host: '127.0.0.1', password, enableReadyCheck: false });
  client.on('error', () => {});
  await client.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await until(async () => String(await client.call('CLUSTER', 'INFO')).includes('cluster_state:ok'), {
    what: 'the Cluster serves',
  });
  client.disconnect();
  return `redis+cluster://:${password}@127.0.0.1:${port}`;
}
