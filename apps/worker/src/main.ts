import process from 'node:process';
import { StoreError } from '@rekey/db';
import { CipherFault, EnvelopeError } from '@rekey/envelope';
import { RedisTrouble } from '@rekey/jobs';
import { KmsError } from '@rekey/kms';
import { serveMetrics } from '@rekey/metrics';
import {
  ConfigError,
  closeOnSignal,
  createLogger,
  explainListenError,
  guardProcess,
  onOrphaned,
  refuseToStart,
  startHealthServer,
} from '@rekey/runtime';
import { shutdownMs } from '@rekey/times';
import { beNice } from './be-nice.ts';
import { readWorkerConfig, type WorkerConfig } from './config.ts';
import { divideConnections } from './connections.ts';
import { createWorkerMetrics } from './metrics.ts';
import { provenPlace, usableCipher } from './start-checks.ts';
import { usableKeks } from './usable-keks.ts';
import { usableRedis } from './usable-redis.ts';
import { usableSecondSigner, usableSigner } from './usable-signer.ts';
import { type RekeyWorker, startWorker } from './worker.ts';

const config = orRefuse(() => readWorkerConfig(process.env));
const logger = createLogger({
  name: 'worker',
  level: config.LOG_LEVEL,
  ourErrors: [StoreError, KmsError, EnvelopeError, CipherFault, ConfigError, RedisTrouble],
});
guardProcess(logger);
// Some sandboxes forbid it: the worker then has the priority that it was started with.
await beNice(config.WORKER_NICENESS).catch((error) =>
  logger.warn('WORKER_NICENESS is not allowed here', { error }),
);
const { cipher, reason } = usableCipher(config.REKEY_CIPHER);
const connections = divideConnections(config.DATABASE_CONNECTIONS_MAX);
const signer = await usableSigner(config.SIGNING_KEY_URI, logger);
const secondSigner = await usableSecondSigner(config.SECOND_SIGNING_KEY_URI);
const measures = config.METRICS_PORT === undefined ? null : createWorkerMetrics(connections);
const keks = await usableKeks(config, logger, measures?.counted);
await usableRedis(config, config.QUEUE_PREFIX, logger);

let worker: RekeyWorker | null = null;
const stopping = new AbortController();
const health = await listen(config);
const metrics = await listenForMetrics(config);
const close = closeOnSignal({
  logger,
  deadlineMs: shutdownMs,
  closers: [
    { name: 'start', close: () => stopping.abort() },
    { name: 'worker', close: () => worker?.close() },
    { name: 'keks', close: () => keks.close() },
    { name: 'signer', close: () => signer?.close() },
    { name: 'metrics', close: () => metrics?.close() },
    { name: 'health', close: () => health.close() },
  ],
});
if (process.env.npm_lifecycle_event === 'start:worker') onOrphaned(close);

await start().catch((error: unknown) => {
  if (!stopping.signal.aborted) throw error;
});

async function start(): Promise<void> {
  await provenPlace(config.DATABASE_URL, connections.budget, keks, logger, stopping.signal);
  stopping.signal.throwIfAborted();
  worker = startWorker(config, keks, logger, {
    ...{ cipher, connections, secondSigner, measures },
    signer: signer?.open ?? null,
  });
  await worker.ready;
  logger.info('worker ready', {
    url: health.url,
    concurrency: config.WORKER_CONCURRENCY,
    connections: config.DATABASE_CONNECTIONS_MAX,
    keks: keks.held.map(({ id }) => id).join(' '),
    batchSize: config.BATCH_SIZE ?? 'measured',
    cipher: cipher.kind,
    ...(reason === null ? {} : { reason: `node:crypto is used: ${reason}` }),
    statements: config.WORKER_STATEMENTS ?? 'measured',
  });
}

/** From here on it is alive; it is ready once it has seen that it has the right KEK, and takes jobs. */
async function listen({ HEALTH_HOST: host, HEALTH_PORT: port }: WorkerConfig) {
  const names = { host: 'HEALTH_HOST', port: 'HEALTH_PORT' };
  try {
    return await startHealthServer({
      host,
      port,
      facts: () => ({
        cipher: cipher.kind,
        connections: { max: connections.budget.max, open: connections.budget.open },
        ...worker?.facts(),
      }),
      ready: async () => (worker === null ? { kek: false } : { ...(await worker.check()), kek: true }),
    });
  } catch (error) {
    return orRefuse(() => {
      throw explainListenError(error, { host, port, names });
    });
  }
}

async function listenForMetrics({ METRICS_HOST: host, METRICS_PORT: port }: WorkerConfig) {
  if (measures === null || port === undefined) return null;
  const names = { host: 'METRICS_HOST', port: 'METRICS_PORT' };
  try {
    const server = await serveMetrics(measures.metrics, { host, port });
    logger.info('metrics are served', { url: `${server.url}/metrics` });
    return server;
  } catch (error) {
    return orRefuse(() => {
      throw explainListenError(error, { host, port, names });
    });
  }
}

function orRefuse<Value>(work: () => Value): Value {
  try {
    return work();
  } catch (error) {
    if (error instanceof ConfigError) refuseToStart(error);
    throw error;
  }
}
