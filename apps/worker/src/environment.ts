import { availableParallelism } from 'node:os';
import type { BatchCipher } from '@rekey/envelope';
import { createKeyring, type Usage } from '@rekey/keyring';
import type { Keks } from '@rekey/kms';
import {
  adaptiveStatementLimiter,
  createHeartbeats,
  createRateLimiter,
  createSmallRanges,
  createSpeedLimits,
  createSteps,
  fixedBatchSize,
  fixedStatementLimiter,
  measuredBatchSize,
  type RotationEnvironment,
} from '@rekey/rotation';
import type { Logger } from '@rekey/runtime';
import type { WorkerConfig } from './config.ts';
import type { WorkerConnections } from './connections.ts';
import { logEvents } from './log-events.ts';
import type { WorkerMetrics } from './metrics.ts';
import type { Company } from './throttle/create-throttle.ts';

interface Parts extends Pick<RotationEnvironment, 'throttle' | 'publish'> {
  readonly config: WorkerConfig;
  readonly connections: WorkerConnections;
  readonly stores: Pick<RotationEnvironment, 'store' | 'heartbeatStore' | 'sweepStore'>;
  readonly keks: Keks;
  readonly usage: Usage;
  readonly cipher: BatchCipher;
  readonly company: Company;
  readonly logger: Logger;
  readonly measures: WorkerMetrics | null;
}

/** What the rotations of one process share: its stores, keys and cipher, and what bounds them all together. */
export function createEnvironment({
  config,
  connections,
  stores,
  keks,
  usage,
  cipher,
  throttle,
  company,
  publish,
  logger,
  measures,
}: Parts): RotationEnvironment {
  const ranges = config.WORKER_CONCURRENCY;
  const logEvent = logEvents(logger);
  const env: RotationEnvironment = {
    ...stores,
    steps: createSteps(stores),
    heartbeats: createHeartbeats(),
    speedLimits: createSpeedLimits(stores.store),
    keks,
    keyring: createKeyring({
      store: stores.store,
      keks,
      usage,
      dekAgeMaxMs: config.DEK_AGE_MAX_SECONDS * 1_000,
      dekAgeMaxMsWhileAway: config.DEK_AGE_MAX_SECONDS_WHILE_AWAY * 1_000,
    }),
    usage,
    cipher,
    batchSize: config.BATCH_SIZE === undefined ? measuredBatchSize() : fixedBatchSize(config.BATCH_SIZE),
    statementLimiter:
      config.WORKER_STATEMENTS === undefined
        ? adaptiveStatementLimiter(Math.min(2 * ranges, connections.sweep), () => {
            if (cipher.kind !== 'ffi' || availableParallelism() === 1) return 'usual';
            return company.workers > 1 ? 'cautious' : 'eager';
          })
        : fixedStatementLimiter(Math.min(config.WORKER_STATEMENTS, connections.sweep)),
    lockLimiter: fixedStatementLimiter(Math.floor(connections.sweep / 2)),
    rateLimiter:
      config.ITEMS_PER_SECOND_MAX === undefined ? undefined : createRateLimiter(config.ITEMS_PER_SECOND_MAX),
    throttle,
    publish,
    onEvent(event) {
      logEvent(event);
      measures?.onEvent(event);
    },
    onWritten: measures?.onWritten,
    onMended: (rotationId, what) => logger.warn(`a count was mended: ${what}`, { rotationId }),
  };
  return { ...env, smallRanges: createSmallRanges(env) };
}
