import { asKeks, type Kek, type Keks } from '@rekey/kms';
import { createLogger } from '@rekey/runtime';
import { startWorker } from '@rekey/worker';
import { cipherHere } from './ciphers.ts';
import { type Owner, thisFile } from './cleanup.ts';
import type { Installation } from './installation.ts';

/** The real worker, but in this process and with KEKs of the test's, which may fail when told to. */
export async function workerHere(
  rekey: Pick<Installation, 'databaseUrl' | 'redis'>,
  kek: Kek | Keks,
  owner: Owner = thisFile,
  {
    config = {},
    ...options
  }: Parameters<typeof startWorker>[3] & {
    readonly config?: Partial<Parameters<typeof startWorker>[0]>;
  } = {},
): Promise<{ log: string[]; close: () => Promise<void> }> {
  const log: string[] = [];
  const worker = startWorker(
    {
      DATABASE_URL: rekey.databaseUrl,
      REDIS_URL: rekey.redis.url,
      QUEUE_PREFIX: rekey.redis.prefix,
      KEK_URI: 'local:of-a-test',
      TENANT_KEK_ADDRESSES: 'public',
      DEK_AGE_MAX_SECONDS: 300,
      DEK_AGE_MAX_SECONDS_WHILE_AWAY: 3_600,
      WORKER_CONCURRENCY: 2,
      DATABASE_CONNECTIONS_MAX: 12,
      WORKER_NICENESS: 0,
      REKEY_CIPHER: 'auto',
      BATCH_SIZE: 500,
      LOG_LEVEL: 'debug',
      THROTTLE: 'off',
      THROTTLE_LAG_SECONDS: 5,
      THROTTLE_SESSIONS: 0.5,
      HEALTH_HOST: '127.0.0.1',
      HEALTH_PORT: 0,
      METRICS_HOST: '127.0.0.1',
      ...config,
    },
    asKeks(kek),
    createLogger({ name: 'worker', level: 'debug', write: (line) => log.push(line) }),
    { cipher: cipherHere(), ...options },
  );
  owner.after(() => worker.close());
  await worker.ready;
  return { log, close: () => worker.close() };
}
