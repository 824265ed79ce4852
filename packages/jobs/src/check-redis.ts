import { randomBytes } from 'node:crypto';
import { lastErrorOf, type RedisClient } from './redis.ts';
import { RedisTrouble, troubleOf } from './redis-trouble.ts';
import { runScript, script } from './run-script.ts';
import { queueNames } from './tickets.ts';

/**
 * Does once what the work does all the time: a script that writes and reads each kind of key that BullMQ's scripts do,
 * below our prefix. It begins with what a full server refuses: after a first write a script is refused nothing. It
 * leaves the sorted set for the blocking command. What it is given of the queues it only looks at.
 */
const probe = script(`
local h, l, z, x, s, m = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local call = redis.call
call('HSET', h, 'a', '1', 'b', '2') call('HINCRBY', h, 'a', 1) call('HGET', h, 'a') call('HMGET', h, 'a', 'b')
call('HGETALL', h) call('HEXISTS', h, 'a') call('HDEL', h, 'b') call('EXISTS', h) call('TYPE', h) call('PEXPIRE', h, 5000)
call('LPUSH', l, 'a') call('RPUSH', l, 'b') call('RPOPLPUSH', l, l) call('LPOS', l, 'a') call('LINDEX', l, 0)
call('LRANGE', l, 0, -1) call('LLEN', l) call('LREM', l, 1, 'a') call('LTRIM', l, 0, 5) call('RPOP', l) call('PTTL', l)
call('ZADD', z, 0, 'a', 1, 'b') call('ZSCORE', z, 'a') call('ZRANGE', z, 0, 0) call('ZRANGEBYSCORE', z, 0, 1)
call('ZCARD', z) call('ZCOUNT', z, 0, 1) call('ZPOPMIN', z) call('ZREM', z, 'none') call('PEXPIRE', z, 5000)
call('XADD', x, '*', 'a', 'b') call('XTRIM', x, 'MAXLEN', 1) call('SADD', s, 'a') call('SMEMBERS', s) call('SREM', s, 'a')
call('SET', m, '1', 'PX', 5000) call('INCR', m) call('GET', m) call('GETRANGE', m, 0, 1) call('TIME')
call('DEL', h, l, x, s, m)
if ARGV[1] == '0' then call('DEL', z) end
local paused = 0
for i = 7, #KEYS, 4 do
  local held = call('HMGET', KEYS[i], 'paused', 'concurrency')
  if held[1] or (held[2] and (tonumber(held[2]) or 1) < 1) then paused = 1 end
  call('LLEN', KEYS[i + 1]) call('LLEN', KEYS[i + 2]) call('ZCARD', KEYS[i + 3])
end
return paused`);

export interface RedisCheck {
  /** What all keys of this installation begin with. */
  readonly keys: string;
  /** Whether jobs are taken here, not only put there. */
  readonly takesJobs: boolean;
}

/** What keeps this connection from doing what our work needs; null: nothing. Never throws, never hangs. */
export async function checkRedis(
  client: RedisClient,
  { keys, takesJobs }: RedisCheck,
): Promise<RedisTrouble | null> {
  const own = `${keys}:probe:${randomBytes(6).toString('hex')}`;
  const probed = ['h', 'l', 'z', 'x', 's', 'm'].map((kind) => `${own}:${kind}`);
  const queues = takesJobs ? Object.values(queueNames).map((name) => `${keys}:${name}`) : [];
  const looked = queues.flatMap((queue) => [
    `${queue}:meta`,
    `${queue}:wait`,
    `${queue}:active`,
    `${queue}:prioritized`,
  ]);
  try {
    const paused = await runScript(client, probe, [...probed, ...looked], [takesJobs ? 1 : 0]);
    // There is something in it, so it does not block.
    if (takesJobs) await client.bzpopmin(`${own}:z`, 1);
    return paused === 1 ? new RedisTrouble('PAUSED') : null;
  } catch (error) {
    return troubleOf((client.status === 'ready' ? undefined : lastErrorOf(client)) ?? error);
  }
}

/** Below it, BullMQ and ours lack commands (LPOS). */
const oldest = [6, 2] as const;

export interface Fitness {
  /** Why this Redis must not be used, by its settings and version; null also where it does not tell. */
  readonly trouble: RedisTrouble | null;
  /** Whether it may not be asked for its version; some managed ones allow no INFO. */
  readonly hidesVersion: boolean;
}

/** A server that evicts keys under memory pressure would silently lose jobs. Throws what the connection throws. */
export async function fitnessOf(client: RedisClient): Promise<Fitness> {
  const info = await client.info().catch((error: unknown) => {
    if (troubleOf(error).code !== 'DENIED') throw error;
    return null;
  });
  if (info === null) return { trouble: null, hidesVersion: true };
  const [, major, minor] = /^redis_version:(\d+)\.(\d+)/m.exec(info) ?? [];
  const tooOld =
    major !== undefined &&
    (Number(major) < oldest[0] || (Number(major) === oldest[0] && Number(minor) < oldest[1]));
  if (tooOld) return { trouble: new RedisTrouble('TOO_OLD', `${major}.${minor}`), hidesVersion: false };
  const [, policy = 'noeviction'] = /^maxmemory_policy:([a-z-]+)/m.exec(info) ?? [];
  return {
    trouble: policy === 'noeviction' ? null : new RedisTrouble('EVICTS', policy),
    hidesVersion: false,
  };
}
