import { ReplyError } from 'ioredis';
import type { RedisSettings } from './doorbell.ts';
import { openRedis } from './redis.ts';

/**
 * The live snapshots of rotations, in Redis. Each is absolute and carries a version: an older one never replaces a
 * newer one, nothing replaces a final one, and a lost one is made up for by the next. Whoever finds none asks
 * Postgres.
 */
export interface Scoreboard<View> {
  /** The snapshot; null when there is none or Redis is away. Never throws, never hangs. */
  read(rotationId: string): Promise<View | null>;
  /** False when Redis did not take it, or held a newer one. Never throws, never hangs. */
  publish(snapshot: PublishedSnapshot<View>): Promise<boolean>;
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

export interface PublishedSnapshot<View> {
  readonly rotationId: string;
  readonly version: number;
  /** Whether nothing can change it any more. */
  readonly final: boolean;
  readonly view: View;
  /** When it was read, by `performance.now()` of this process; absent: now. */
  readonly asOfMs?: number;
}

/** A live snapshot is old news so long after it was read; Postgres then knows more. */
const liveTtlMs = 3_000;
const finalTtlMs = 600_000;

/**
 * The deadline of a live snapshot is a moment of Redis' own clock. A publisher that stood still, or whose connection did,
 * may deliver a snapshot long after the newer ones have lapsed, when there is no version left to compare it with.
 */
const publishScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = ARGV[2] == '1' and tonumber(ARGV[4]) or math.min(tonumber(ARGV[4]) - now, tonumber(ARGV[5]))
if ttl <= 0 then return {0, now} end
local held = redis.call('HMGET', KEYS[1], 'version', 'final')
if held[2] == '1' or (held[1] and tonumber(held[1]) >= tonumber(ARGV[1])) then return {0, now} end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'final', ARGV[2], 'view', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ttl)
return {1, now}`;

/** `revive` turns the parsed JSON of a view back into one; it returns null for what is none. */
export function createScoreboard<View>(
  { redisUrl, prefix, onError }: RedisSettings,
  revive: (json: unknown) => View | null,
): Scoreboard<View> {
  const client = openRedis(redisUrl, 'prompt', onError);
  const key = (rotationId: string): string => `${prefix}:progress:${rotationId}`;
  /** How far Redis' clock is ahead of ours, as its last answer told; at the latest by the answer's own way. */
  let aheadMs: number | undefined;
  const learn = (redisNowMs: number): number => {
    aheadMs = redisNowMs - performance.now();
    return aheadMs;
  };
  const askForTime = async (): Promise<number> => {
    const [seconds, microseconds] = await client.time();
    return learn(Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000));
  };
  return {
    read: createGatheredRead(async (rotationId) => {
      try {
        const json = await client.hget(key(rotationId), 'view');
        return json === null ? null : revive(JSON.parse(json));
      } catch {
        return null;
      }
    }),
    async publish({ rotationId, version, final, view, asOfMs = performance.now() }) {
      try {
        const [taken, redisNowMs] = (await client.eval(
          publishScript,
          1,
          key(rotationId),
          version,
          final ? 1 : 0,
          JSON.stringify(view),
          final ? finalTtlMs : Math.ceil(asOfMs + (aheadMs ?? (await askForTime())) + liveTtlMs),
          liveTtlMs,
        )) as [number, number]; // what the script returns
        learn(redisNowMs);
        return taken === 1;
      } catch (error) {
        // What stands there would contradict the end that Postgres tells. A full Redis refuses writes and still deletes;
        // one that is only slow may have taken it.
        if (final && error instanceof ReplyError) await client.del(key(rotationId)).catch(() => {});
        return false;
      }
    },
    async ping() {
      try {
        return (await client.ping()) === 'PONG';
      } catch {
        return false;
      }
    },
    async close() {
      client.disconnect();
    },
  };
}

/**
 * Reads of the same rotation that are asked for in the same turn of the event loop become one, and those of several
 * rotations go out together. No caller gets what was read before it asked.
 */
function createGatheredRead<T>(read: (rotationId: string) => Promise<T>): (rotationId: string) => Promise<T> {
  let gathered = new Map<string, { readonly promise: Promise<T>; start(): void }>();
  return (rotationId) => {
    const asked = gathered.get(rotationId);
    if (asked !== undefined) return asked.promise;
    if (gathered.size === 0) {
      setImmediate(() => {
        const due = gathered;
        gathered = new Map();
        for (const { start } of due.values()) start();
      });
    }
    const { promise, resolve } = Promise.withResolvers<T>();
    gathered.set(rotationId, { promise, start: () => resolve(read(rotationId)) });
    return promise;
  };
}
