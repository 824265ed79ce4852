import type { KeyObject } from 'node:crypto';
import { snapshotMs } from '@rekey/times';
import { ReplyError } from 'ioredis';
import { checkRedis } from './check-redis.ts';
import { type Identity, keysOf } from './installation.ts';
import { createOpener, viewToJson } from './open-again.ts';
import { openRedis } from './redis.ts';
import type { RedisTrouble } from './redis-trouble.ts';
import { runScript, script } from './run-script.ts';
import { sealedMaxBytes, sealSnapshot, snapshotKeyOf } from './snapshot-seal.ts';
import type { RedisSettings } from './ticket-queue.ts';

/**
 * The live snapshots of rotations, in Redis. Each is absolute and carries a version: an older one never replaces a
 * newer one, nothing replaces a final one, and a lost one is made up for by the next. Each is sealed with a key from
 * Postgres: what anybody else put there reads as none. Whoever finds none asks Postgres.
 */
export interface Snapshots<View> {
  /** The snapshot of that rotation of that tenant; null when there is none or Redis is away. Never throws, never hangs. */
  read(rotation: RotationOfTenant): Promise<ReadSnapshot<View> | null>;
  /** False when Redis did not take it, or held a newer one. Never throws, never hangs. */
  publish(snapshot: PublishedSnapshot<View>): Promise<boolean>;
  /** What keeps Redis from doing its part; null: nothing. */
  check(): Promise<RedisTrouble | null>;
  close(): Promise<void>;
}

export interface RotationOfTenant {
  readonly rotationId: string;
  readonly tenantId: string;
}

export interface ReadSnapshot<View> {
  readonly version: number;
  readonly final: boolean;
  readonly view: View;
}

export interface PublishedSnapshot<View> extends RotationOfTenant {
  readonly version: number;
  /** Whether nothing can change it any more. */
  readonly final: boolean;
  readonly view: View;
  /** When it was read, by `performance.now()` of this process; absent: now. */
  readonly asOfMs?: number;
}

/**
 * The deadline of a live snapshot is a moment of Redis' own clock. A publisher that stood still, or whose connection did,
 * may deliver a snapshot long after the newer ones have lapsed, when there is no version left to compare it with.
 */
const publishScript = script(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ttl = ARGV[2] == '1' and tonumber(ARGV[4]) or math.min(tonumber(ARGV[4]) - now, tonumber(ARGV[5]))
if ttl <= 0 then return {0, now} end
local version, final = string.match(redis.call('GETRANGE', KEYS[1], 0, 20), '^(%d+) ([01]) ')
if final == '1' or (version and tonumber(version) >= tonumber(ARGV[1])) then return {0, now} end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ttl)
return {1, now}`);

/** `revive` turns the parsed JSON of a view back into one; it returns null for what is none. */
export function createSnapshots<View>(
  { redisUrl, prefix, identity, onError }: RedisSettings,
  revive: (json: unknown) => View | null,
): Snapshots<View> {
  const client = openRedis(redisUrl, 'prompt', onError);
  const ours = createOwn(prefix, identity);
  const open = createOpener(revive);
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
    read: createGatheredRead(async (rotation) => {
      const own = ours();
      if (own === null) return null;
      try {
        // Bounded, whatever stands there: nobody makes us read more than a snapshot can be.
        const sealed = await client.getrange(own.keyOf(rotation.rotationId), 0, sealedMaxBytes - 1);
        return open(own.seal, rotation, sealed);
      } catch {
        return null;
      }
    }),
    async publish({ rotationId, tenantId, version, final, view, asOfMs = performance.now() }) {
      const own = ours();
      if (own === null) return false;
      const key = own.keyOf(rotationId);
      const json = viewToJson(view);
      try {
        const [taken, redisNowMs] = (await runScript(
          client,
          publishScript,
          [key],
          [
            version,
            final ? 1 : 0,
            sealSnapshot(own.seal, { rotationId, tenantId, version, final, view: json }),
            final
              ? snapshotMs.final
              : Math.ceil(asOfMs + (aheadMs ?? (await askForTime())) + snapshotMs.live),
            snapshotMs.live,
          ],
        )) as [number, number]; // what the script returns
        learn(redisNowMs);
        return taken === 1;
      } catch (error) {
        // What stands there would contradict the end that Postgres tells. A full Redis refuses writes and still deletes;
        // one that is only slow may have taken it.
        if (final && error instanceof ReplyError) await client.del(key).catch(() => {});
        return false;
      }
    },
    async check() {
      const known = identity.known();
      return checkRedis(client, { keys: known === null ? prefix : keysOf(prefix, known), takesJobs: false });
    },
    async close() {
      client.disconnect();
    },
  };
}

/** What is made once of the installation, as soon as it is known. */
function createOwn(
  prefix: string,
  identity: Pick<Identity, 'known'>,
): () => { readonly seal: KeyObject; keyOf(rotationId: string): string } | null {
  let made: { readonly seal: KeyObject; keyOf(rotationId: string): string } | null = null;
  return () => {
    const known = made === null ? identity.known() : null;
    if (known !== null) {
      const keys = `${keysOf(prefix, known)}:progress`;
      made = { seal: snapshotKeyOf(known.snapshotKey), keyOf: (rotationId) => `${keys}:${rotationId}` };
    }
    return made;
  };
}

/**
 * Reads of the same rotation that are asked for in the same turn of the event loop become one, and those of several
 * rotations go out together. No caller gets what was read before it asked.
 */
function createGatheredRead<T>(
  read: (rotation: RotationOfTenant) => Promise<T>,
): (rotation: RotationOfTenant) => Promise<T> {
  let gathered = new Map<string, { readonly promise: Promise<T>; start(): void }>();
  return ({ rotationId, tenantId }) => {
    const name = `${rotationId} ${tenantId}`;
    const asked = gathered.get(name);
    if (asked !== undefined) return asked.promise;
    if (gathered.size === 0) {
      setImmediate(() => {
        const due = gathered;
        gathered = new Map();
        for (const { start } of due.values()) start();
      });
    }
    const { promise, resolve } = Promise.withResolvers<T>();
    gathered.set(name, { promise, start: () => resolve(read({ rotationId, tenantId })) });
    return promise;
  };
}
