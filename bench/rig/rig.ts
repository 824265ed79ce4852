import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalKeyFile, type Kek, openKek } from '@rekey/kms';
import { createDatabase, dropDatabase, startServers } from '@rekey/stack';
import { removeKeys } from '../../test/harness/redis.ts';
import { postgresSettings } from './postgres-settings.ts';

/** What every measurement stands on: one Postgres, one Redis and one KEK for the whole run. */
export interface Rig {
  readonly adminUrl: string;
  readonly redisUrl: string;
  /** What every key in Redis and every database made here begins with. */
  readonly prefix: string;
  readonly kek: Kek;
  readonly signal: AbortSignal;
  /** An empty database, or a copy of `template`, to which nobody may be connected. */
  database(template?: string): Promise<ScratchDatabase>;
  /** Stops the servers and removes everything that was made. */
  close(): Promise<void>;
}

export interface ScratchDatabase {
  readonly name: string;
  readonly url: string;
  drop(): Promise<void>;
}

/** Servers that are given by URL are used, in databases and under keys of our own; the others are started. */
export async function openRig(
  given: { readonly DATABASE_URL?: string | undefined; readonly REDIS_URL?: string | undefined },
  signal: AbortSignal,
): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-bench-'));
  const servers = await startServers(given, { postgresSettings });
  const prefix = `rekey_bench_${randomBytes(4).toString('hex')}`;
  const kekFile = join(folder, 'kek');
  await createLocalKeyFile(kekFile);
  const kek = await openKek(`local:${kekFile}`);
  const made = new Set<string>();

  const drop = async (name: string): Promise<void> => {
    await dropDatabase(servers.databaseUrl, name);
    made.delete(name);
  };

  return {
    adminUrl: servers.databaseUrl,
    redisUrl: servers.redisUrl,
    prefix,
    kek,
    signal,
    async database(template) {
      signal.throwIfAborted();
      const name = `${prefix}_${randomBytes(4).toString('hex')}`;
      made.add(name);
      const options = template === undefined ? {} : { template };
      const url = await createDatabase(servers.databaseUrl, name, options);
      return { name, url, drop: () => drop(name) };
    },
    async close() {
      if (!servers.embedded.postgres) for (const name of made) await drop(name);
      if (!servers.embedded.redis) await removeKeys(servers.redisUrl, prefix);
      await servers.stop();
      await kek.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
