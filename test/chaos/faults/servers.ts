import { setTimeout as sleep } from 'node:timers/promises';
import { startRedis } from '@rekey/stack';
import { Redis } from 'ioredis';
import type { World } from '../world/world.ts';
import { type Fault, seenIf } from './fault.ts';

const redisDown =
  (downMs: number): Fault =>
  async ({ world, signal }) => {
    const { redis } = world;
    await redis.kill();
    const away = await redis.command('PING').then(
      () => false,
      () => true,
    );
    await sleep(downMs, undefined, { signal }).catch(() => {});
    await redis.comeBack();
    const empty = (await redis.command('DBSIZE')) !== null;
    return seenIf(away && empty, `away for ${downMs} ms`);
  };

const flushall: Fault = async ({ world }) => {
  const before = Number(await world.redis.command('DBSIZE'));
  await world.redis.command('FLUSHALL');
  return seenIf(before > 0, `${before} keys forgotten`);
};

/** Every write is refused; `noeviction` keeps what is there. */
const outOfMemory: Fault = async ({ world, random, signal }) => {
  await world.redis.command('CONFIG', 'SET', 'maxmemory', '1');
  const refused = await refuses(world, /OOM/);
  const ms = random.integer(2_000, 6_000);
  await sleep(ms, undefined, { signal }).catch(() => {});
  await world.redis.command('CONFIG', 'SET', 'maxmemory', '0');
  return seenIf(refused, `for ${ms} ms`);
};

/** It takes another server for its master, and is one itself again: connections stay, writes are refused meanwhile. */
const demoted =
  (withAMaster: boolean): Fault =>
  async ({ world, random, signal }) => {
    const master = withAMaster ? await startRedis() : null;
    const at = new URL(master?.url ?? 'redis://127.0.0.1:1');
    const ms = random.integer(1_000, 6_000);
    try {
      await world.redis.command('CONFIG', 'SET', 'masterauth', at.password);
      await world.redis.command('REPLICAOF', at.hostname, at.port);
      const refused = await refuses(world, /READONLY/);
      await sleep(ms, undefined, { signal }).catch(() => {});
      await world.redis.command('REPLICAOF', 'NO', 'ONE');
      return seenIf(refused, `for ${ms} ms`);
    } finally {
      await master?.stop();
    }
  };

/** As when an operator takes rights away from the user. */
const withoutRights: Fault = async ({ world, random, signal }) => {
  const ms = random.integer(1_000, 6_000);
  await world.redis.command('ACL', 'SETUSER', 'default', '-@write', '-@scripting');
  const refused = await refuses(world, /NOPERM/);
  await sleep(ms, undefined, { signal }).catch(() => {});
  await world.redis.command('ACL', 'SETUSER', 'default', '+@all');
  return seenIf(refused, `for ${ms} ms`);
};

const forgesForMs = 6_000;

/** Whoever may write to Redis says that running rotations have ended: nobody may believe it. */
const forged: Fault = async ({ world, signal }) => {
  const client = new Redis(world.redis.url, { maxRetriesPerRequest: 1 });
  client.on('error', () => {});
  const until = performance.now() + forgesForMs;
  let lies = 0;
  try {
    while (performance.now() < until && !signal.aborted) {
      const keys = await client.keys(`${world.prefix}:progress:*`);
      // Those of rotations that have ended stay for minutes, and become ever more.
      const told = keys.length === 0 ? [] : await client.mget(keys);
      for (const [i, key] of keys.entries()) {
        const lie = told[i]?.replaceAll('"in_progress"', '"completed"');
        if (lie === undefined || lie === told[i]) continue;
        await client.set(key, lie, 'KEEPTTL');
        lies += 1;
      }
      await sleep(100);
    }
  } finally {
    client.disconnect();
  }
  return seenIf(lies > 0, `${lies} snapshots`);
};

const refuses = ({ redis }: World, how: RegExp): Promise<boolean> =>
  redis.command('SET', 'chaos', '1').then(
    () => false,
    (error: unknown) => how.test(String(error)),
  );

const postgresStopped =
  (how: 'fast' | 'immediate'): Fault =>
  async ({ world, random }) => {
    const before = world.postgres.pid;
    const downMs = random.integer(200, 2_500);
    const back = world.postgres.restart(how, downMs);
    while (isRunning(before)) await sleep(5);
    const b = world.history.now();
    await back;
    // It stays away for that long before it is started again; when exactly it answers again nobody knows.
    world.history.add({ t: 'outage', b, e: b + downMs });
    return seenIf(world.postgres.pid !== before, `away for ${downMs} ms`);
  };

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const terminate: Fault = async ({ world, random }) => {
  const share = random.pick([0.1, 0.3, 1]);
  const { rows } = await world.pool.query<{ ended: boolean }>(
    `select pg_terminate_backend(pid) as ended from pg_stat_activity
     where datname = current_database() and application_name not like 'chaos%' and random() < $1`,
    [share],
  );
  return seenIf(
    rows.some(({ ended }) => ended),
    `${rows.length} backends`,
  );
};

export const serverFaults = {
  'redis-killed': redisDown(0),
  'redis-down-1s': redisDown(1_000),
  'redis-down-15s': redisDown(15_000),
  'redis-flushall': flushall,
  'redis-out-of-memory': outOfMemory,
  'redis-demoted': demoted(false),
  'redis-demoted-to-empty': demoted(true),
  'redis-without-rights': withoutRights,
  'redis-snapshot-forged': forged,
  'postgres-stopped-fast': postgresStopped('fast'),
  'postgres-stopped-immediate': postgresStopped('immediate'),
  'backends-terminated': terminate,
} as const satisfies Record<string, Fault>;
