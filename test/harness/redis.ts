import { randomBytes } from 'node:crypto';
import { createIdentity, type Identity } from '@rekey/jobs';
import { Redis } from 'ioredis';
import { type Owner, thisFile } from './cleanup.ts';
import { testEnvironment } from './environment.ts';

/** The run's Redis, and a key prefix of one's own: every key below it is removed at the end. */
export function testRedis(owner: Owner = thisFile): { url: string; prefix: string } {
  const url = testEnvironment('TEST_REDIS_URL');
  const prefix = `${testEnvironment('TEST_REDIS_PREFIX')}-${randomBytes(6).toString('hex')}`;
  owner.after(() => removeKeys(url, prefix));
  return { url, prefix };
}

/** Removes every key that begins with `prefix`, or with `{prefix` as on a Cluster. */
export async function removeKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url, { maxRetriesPerRequest: 1, retryStrategy: () => null });
  redis.on('error', () => {}); // the command that fails says it
  try {
    for (const match of [`${prefix}*`, `{${prefix}*`])
      for await (const keys of redis.scanStream({ match, count: 1_000 }))
        if (keys.length > 0) await redis.unlink(keys);
  } finally {
    redis.disconnect();
  }
}

/** An installation of one's own, for what needs no database: known from the beginning. */
export async function testIdentity(id = randomBytes(8).toString('hex')): Promise<Identity> {
  const identity = createIdentity(async () => ({ id, snapshotKey: randomBytes(32) }));
  await identity.get();
  return identity;
}
