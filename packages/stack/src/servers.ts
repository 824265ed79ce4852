import { type PostgresSettings, startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';

/** Takes one line for a person to read, without its line end. */
export type Log = (line: string) => void;

export type Server = {
  url: string;
  /** For tests that kill or freeze it. */
  pid: number;
  /** Its run folder: data and log. */
  folder: string;
  /** Resolves when the process is gone and its folder removed. */
  stop(): Promise<void>;
};

export type ServerUrls = { DATABASE_URL?: string | undefined; REDIS_URL?: string | undefined };

export type Servers = {
  databaseUrl: string;
  redisUrl: string;
  /** Which of the two are ours: made for this run, stopped by `stop`. */
  embedded: { postgres: boolean; redis: boolean };
  stop(): Promise<void>;
};

/**
 * The servers everything here needs. One that is given (and not empty) is used as it is and never stopped;
 * the others are started, in parallel. If one fails to start the other is stopped before this throws.
 */
export async function startServers(
  env: ServerUrls,
  { log, postgresSettings = {} }: { log?: Log; postgresSettings?: PostgresSettings } = {},
): Promise<Servers> {
  const options = log === undefined ? {} : { log };
  const [postgres, redis] = await Promise.allSettled([
    env.DATABASE_URL ? given(env.DATABASE_URL) : startPostgres({ ...options, settings: postgresSettings }),
    env.REDIS_URL ? given(env.REDIS_URL) : startRedis(options),
  ]);
  if (postgres.status === 'rejected' || redis.status === 'rejected') {
    for (const result of [postgres, redis]) if (result.status === 'fulfilled') await result.value.stop();
    throw [postgres, redis].find((result) => result.status === 'rejected')?.reason;
  }
  return {
    databaseUrl: postgres.value.url,
    redisUrl: redis.value.url,
    embedded: { postgres: !env.DATABASE_URL, redis: !env.REDIS_URL },
    async stop() {
      await Promise.all([postgres.value.stop(), redis.value.stop()]);
    },
  };
}

async function given(url: string): Promise<Pick<Server, 'url' | 'stop'>> {
  return { url, stop: async () => {} };
}
