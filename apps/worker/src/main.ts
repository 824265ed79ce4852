import process from 'node:process';
import { openStore, StoreError } from '@rekey/db';
import { EnvelopeError } from '@rekey/envelope';
import { openRedis, unfitness } from '@rekey/jobs';
import { isTransient, type Kek, KmsError, openKek } from '@rekey/kms';
import { ConfigError, closeOnSignal, createLogger, refuseToStart, startHealthServer } from '@rekey/runtime';
import { checkSchema } from '@rekey/schema';
import { beNice } from './be-nice.ts';
import { readWorkerConfig, type WorkerConfig } from './config.ts';
import { startWorker } from './worker.ts';

const config = readConfig();
const logger = createLogger({
  name: 'worker',
  level: config.LOG_LEVEL,
  ourErrors: [StoreError, KmsError, EnvelopeError, ConfigError],
});
// Some sandboxes forbid it: the worker then has the priority that it was started with.
await beNice(config.WORKER_NICENESS).catch((error) =>
  logger.warn('WORKER_NICENESS is not allowed here', { error }),
);
const kek = await usableKek(config.KEK_URI);
await usableSchema(config.DATABASE_URL);
await usableRedis(config.REDIS_URL);

const worker = startWorker(config, kek, logger);
const health = await startHealthServer({
  host: config.HEALTH_HOST,
  port: config.HEALTH_PORT,
  ready: () => worker.check(),
});
closeOnSignal({
  logger,
  deadlineMs: 10_000,
  closers: [
    { name: 'worker', close: () => worker.close() },
    { name: 'kek', close: () => kek.close() },
    { name: 'health', close: () => health.close() },
  ],
});
await worker.ready;
logger.info('worker ready', {
  url: health.url,
  concurrency: config.WORKER_CONCURRENCY,
  batchSize: config.BATCH_SIZE ?? 'measured',
  statements: config.WORKER_STATEMENTS ?? 'measured',
});

function readConfig(): WorkerConfig {
  try {
    return readWorkerConfig(process.env);
  } catch (error) {
    if (error instanceof ConfigError) refuseToStart(error);
    throw error;
  }
}

/** Opens the KEK and tries it. One that is away for the moment is waited for; one that can never work is refused. */
async function usableKek(uri: string): Promise<Kek> {
  try {
    const opened = await openKek(uri);
    if (!(await unwrapsWhatItWraps(opened))) {
      refuseToStart(new ConfigError(['KEK_URI: what it wraps it does not unwrap']));
    }
    return opened;
  } catch (error) {
    if (error instanceof KmsError) refuseToStart(new ConfigError([`KEK_URI: ${error.message}`]));
    throw error;
  }
}

async function unwrapsWhatItWraps(opened: Kek): Promise<boolean> {
  const aad = Buffer.from('rekey start');
  const probe = Buffer.alloc(32, 0x5a);
  try {
    return (await opened.unwrap(await opened.wrap(probe, aad), aad)).equals(probe);
  } catch (error) {
    if (!isTransient(error)) throw error;
    logger.warn('the KMS is away: waiting for it', { error });
    return true;
  }
}

async function usableSchema(databaseUrl: string): Promise<void> {
  const store = openStore({ url: databaseUrl, max: 1, applicationName: 'rekey-start', onError: () => {} });
  try {
    await checkSchema(store);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.code === 'UNAVAILABLE') logger.warn('postgres is away: waiting for it', { error });
    else refuseToStart(new ConfigError([`DATABASE_URL: ${error.message}`]));
  } finally {
    await store.end();
  }
}

async function usableRedis(redisUrl: string): Promise<void> {
  const client = openRedis(redisUrl, 'prompt', () => {});
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      client.once('error', reject);
      // A Cluster that cannot be reached says nothing at all.
      setTimeout(() => reject(new Error('it does not answer')), 3_000).unref();
    });
    const reason = await unfitness(client);
    if (reason !== null) refuseToStart(new ConfigError([`REDIS_URL: ${reason}`]));
  } catch (error) {
    logger.warn('redis is away: waiting for it', { error });
  } finally {
    client.disconnect();
  }
}
