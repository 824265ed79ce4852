import { Cluster } from 'ioredis';
import type { RedisClient } from './redis.ts';
import { troubleOf } from './redis-trouble.ts';

export interface RedisFacts {
  readonly version: string | null;
  /** Whether anything is on disk that a restart would bring back; null: it does not tell. */
  readonly persistent: boolean | null;
  readonly role: string | null;
}

/** What a Redis tells of itself. Throws what the connection throws. */
export async function redisFacts(client: RedisClient): Promise<RedisFacts> {
  const info = (await unlessDenied(client.info())) ?? '';
  const told = (name: string): string | null =>
    new RegExp(`^${name}:([^\\r\\n]+)`, 'm').exec(info)?.[1] ?? null;
  return { version: told('redis_version'), role: told('role'), persistent: await isPersistent(client, told) };
}

async function isPersistent(
  client: RedisClient,
  told: (name: string) => string | null,
): Promise<boolean | null> {
  if (told('aof_enabled') === '1') return true;
  // Only the configuration says whether snapshots are taken, and few users may read it.
  const saves = client instanceof Cluster ? null : await unlessDenied(client.config('GET', 'save'));
  if (!Array.isArray(saves)) return null;
  return saves[1] !== '' && saves[1] !== undefined;
}

/** A server of many keys is not read through for this: the queues' keys are made early and spread evenly. */
const looksMax = 50;
const looksAt = 1_000;

/**
 * Prefixes other than `prefix` below which this same installation has keys there: some process has another `QUEUE_PREFIX`
 * than the rest. Null: it may not be asked, or is a Cluster.
 */
export async function otherPrefixes(
  client: RedisClient,
  { prefix, installation }: { readonly prefix: string; readonly installation: string },
): Promise<string[] | null> {
  if (client instanceof Cluster) return null;
  const found = new Set<string>();
  let cursor = '0';
  for (let look = 0; look < looksMax; look += 1) {
    const answer = await unlessDenied(client.scan(cursor, 'MATCH', `*:${installation}:*`, 'COUNT', looksAt));
    if (answer === null) return null;
    const [next, keys] = answer;
    for (const key of keys) found.add(key.slice(0, key.indexOf(`:${installation}:`)));
    cursor = next;
    if (cursor === '0') break;
  }
  found.delete(prefix);
  return [...found].sort();
}

async function unlessDenied<T>(asking: Promise<T>): Promise<T | null> {
  try {
    return await asking;
  } catch (error) {
    if (troubleOf(error).code !== 'DENIED') throw error;
    return null;
  }
}
