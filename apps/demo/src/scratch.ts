import { randomBytes } from 'node:crypto';
import { type DatabaseUrls, dropDatabase, type ServerUrls } from '@rekey/stack';
import { createScratchDatabase, removeKeys } from './given-servers.ts';
import { makePassingKek } from './passing-kek.ts';
import { bringUpServers, prepareDatabase, type Scaffold } from './stack-up.ts';

export interface Scratch {
  /** Migrated and empty. */
  readonly databaseUrls: DatabaseUrls;
  readonly redisUrl: string;
  readonly queuePrefix: string;
  readonly kekUri: string;
}

/**
 * Servers to play on, and nothing of it left afterwards. On a given Postgres that is a database of our own: the KEK is
 * one of this run, so what it has sealed is of no use to the next. On a given Redis it is a prefix of our own.
 */
export async function prepareScratch(urls: ServerUrls, scaffold: Scaffold): Promise<Scratch> {
  const { cleanup } = scaffold;
  const run = randomBytes(4).toString('hex');
  const queuePrefix = `{rekey-demo-${run}}`;
  const { databaseUrl: serverUrl, redisUrl, embedded } = await bringUpServers(urls, scaffold);
  if (!embedded.redis) cleanup.defer(() => removeKeys(redisUrl, queuePrefix));

  let databaseUrl = serverUrl;
  if (!embedded.postgres) {
    const name = `rekey_demo_${run}`;
    databaseUrl = await createScratchDatabase(serverUrl, name);
    cleanup.defer(() => dropDatabase(serverUrl, name));
  }
  const databaseUrls = await prepareDatabase(databaseUrl, scaffold);
  return { databaseUrls, redisUrl, queuePrefix, kekUri: await makePassingKek(cleanup) };
}
