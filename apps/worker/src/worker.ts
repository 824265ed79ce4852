import { availableParallelism } from 'node:os';
import { findUnfinished, loadInstallation, reviveView, type Snapshot } from '@rekey/control';
import { type BatchCipher, openBatchCipher } from '@rekey/envelope';
import type { Signer } from '@rekey/evidence';
import { createIdentity, createSnapshots, createTicketQueue, warnOfRedis } from '@rekey/jobs';
import { createKeyring, createUsage, startReporting } from '@rekey/keyring';
import type { Keks } from '@rekey/kms';
import {
  adaptiveStatementLimiter,
  createHeartbeats,
  createRateLimiter,
  createSpeedLimits,
  fixedBatchSize,
  fixedStatementLimiter,
  measuredBatchSize,
  type RotationEnvironment,
} from '@rekey/rotation';
import type { Logger } from '@rekey/runtime';
import { checkWorkerWork } from '@rekey/schema';
import { disconnectMs, handBackMs, kekSuspendedMs, schemaMissingMs as longestMissingMs } from '@rekey/times';
import { createCertify } from './certify.ts';
import type { WorkerConfig } from './config.ts';
import { divideConnections, type WorkerConnections } from './connections.ts';
import { countKmsCalls } from './count-kms-calls.ts';
import { createDestroyDue } from './destroy-due.ts';
import { createDrainTimer } from './drain-timer.ts';
import { createDropped } from './dropped.ts';
import { createEndCompromised } from './end-compromised.ts';
import { createHandOn } from './hand-on.ts';
import { keepHouse } from './housekeeping.ts';
import { createKeepLog } from './keep-log.ts';
import { keepPlanning } from './keep-planning.ts';
import { keepRewrapping } from './keep-rewrapping.ts';
import { logEvents } from './log-events.ts';
import type { WorkerMetrics } from './metrics.ts';
import { createMissingSchema } from './missing-schema.ts';
import { openStores } from './open-stores.ts';
import { createPrecedence } from './precedence.ts';
import { processRange } from './process-range.ts';
import { processRotation } from './process-rotation.ts';
import { pushCheckpoints } from './push-checkpoints.ts';
import type { SuspendedMs } from './put-off.ts';
import { startQueues } from './queues.ts';
import { createWorkerThrottle } from './throttle/create-throttle.ts';
import { withDeadline } from './with-deadline.ts';
import { createWriteEvents } from './write-events.ts';

export interface RekeyWorker {
  /** Resolves when jobs are being taken. Waits while Redis or Postgres is away. Rejects where Postgres refuses us. */
  readonly ready: Promise<void>;
  /** Whether Postgres answers, Redis does what the work needs, and the schema is one that this version may work on. */
  check(): Promise<Record<string, boolean>>;
  /** What keeps it from no work, and somebody may want to know. */
  facts(): Record<string, unknown>;
  /**
   * Stops after the batches under way, hands unfinished jobs back, and closes everything; at most a few seconds. With Redis
   * away BullMQ's own close waits for it: timers of its stay until the process ends.
   */
  close(): Promise<void>;
}

interface WorkerOptions {
  readonly connections?: WorkerConnections;
  readonly cipher?: BatchCipher;
  readonly schemaMissingMs?: number;
  /** What signs certificates; absent: this worker makes none. */
  readonly signer?: Signer | null;
  readonly suspendedMs?: SuspendedMs;
  /** What is told of it; null: nothing. */
  readonly measures?: WorkerMetrics | null;
}

/**
 * Builds the worker from its settings and starts it. `keks` stay the caller's to close. `schemaMissingMs`: for so long a
 * part of the schema may be missing, as while it is changed or restored, before that ends a rotation. `suspendedMs`: how
 * long a rotation is left alone whose KEK the KMS refuses.
 *
 * @throws FfiUnavailable unless a cipher is given
 */
export function startWorker(
  config: WorkerConfig,
  keks: Keks,
  logger: Logger,
  {
    cipher = openBatchCipher(config.REKEY_CIPHER).cipher,
    connections = divideConnections(config.DATABASE_CONNECTIONS_MAX),
    schemaMissingMs = longestMissingMs,
    signer = null,
    suspendedMs = kekSuspendedMs,
    measures = null,
  }: WorkerOptions = {},
): RekeyWorker {
  const ranges = config.WORKER_CONCURRENCY;
  // Rotations that are swept by one job mostly wait for commits: several at once use the time.
  const rotations = 3 * config.WORKER_CONCURRENCY;

  const { heartbeatStore, store, sweepStore } = openStores(config.DATABASE_URL, connections, logger);
  const identity = createIdentity(() => loadInstallation(heartbeatStore));
  const onError = (error: Error): void => logger.debug('redis', { error });
  const redis = { redisUrl: config.REDIS_URL, prefix: config.QUEUE_PREFIX, identity, onError };
  const ticketQueue = createTicketQueue(redis);
  const snapshots = createSnapshots(redis, reviveView);
  const publish = ({ view, ...snapshot }: Snapshot): void => {
    const { id: rotationId, tenantId } = view;
    void snapshots.publish({ ...snapshot, rotationId, tenantId, final: view.completedAt !== null, view });
  };

  const usage = createUsage();
  const logEvent = logEvents(logger);
  const kmsCalls = countKmsCalls(keks);
  const throttle = createWorkerThrottle({
    config,
    store: heartbeatStore,
    patientStore: store,
    places: () => env.statementLimiter?.places ?? 1,
    publish,
    logger,
    measures,
  });
  const env: RotationEnvironment = {
    store,
    heartbeatStore,
    heartbeats: createHeartbeats(),
    speedLimits: createSpeedLimits(store),
    sweepStore,
    keks: kmsCalls.keks,
    keyring: createKeyring({ store, keks: kmsCalls.keks, usage }),
    usage,
    cipher,
    batchSize: config.BATCH_SIZE === undefined ? measuredBatchSize() : fixedBatchSize(config.BATCH_SIZE),
    statementLimiter:
      config.WORKER_STATEMENTS === undefined
        ? adaptiveStatementLimiter(Math.min(2 * ranges, connections.sweep), {
            isEager: cipher.kind === 'ffi' && availableParallelism() > 1,
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
  measures?.places(() => env.statementLimiter?.places ?? 0);
  const stop = new AbortController();
  const precedence = createPrecedence(heartbeatStore);
  const dependencies = {
    env,
    logger,
    stopping: stop.signal,
    dropped: createDropped(logger),
    staysMissing: createMissingSchema(schemaMissingMs),
    handOn: createHandOn(),
    precedence,
    suspendedMs,
    measures,
    kmsCalls,
  };

  const queues = startQueues({
    redis,
    signal: stop.signal,
    rotations: { concurrency: rotations, process: processRotation({ ...dependencies, ticketQueue }) },
    ranges: { concurrency: ranges, process: processRange(dependencies) },
    // A rotate call that came between `completed` in Postgres and the removal of the job had its ticket swallowed: the
    // tenant then has another rotation than the one this job was for.
    onDone: async (ticket) => {
      if (stop.signal.aborted) return;
      const running = await findUnfinished(heartbeatStore, ticket.tenantId);
      if (running !== null && running.id !== ticket.rotationId)
        await ticketQueue.enqueue({
          rotationId: running.id,
          tenantId: ticket.tenantId,
          compromise: running.compromise,
        });
    },
  });
  const watch = warnOfRedis(logger, 'rotations stand still', [queues, ticketQueue, snapshots]);
  const reports = startReporting({
    kind: 'worker',
    store: heartbeatStore,
    keks,
    usage,
    onError: (error) => logger.debug('the register of processes does not hear of this worker', { error }),
  });
  const pushes =
    config.CHECKPOINT_URL === undefined
      ? null
      : pushCheckpoints({
          store: heartbeatStore,
          url: config.CHECKPOINT_URL,
          logger,
          signal: stop.signal,
          onTried: measures?.checkpointTried,
        });
  if (pushes !== null) measures?.checkpointsBehind(pushes.behindSeconds);
  let isFit = true;
  const housekeeping = keepHouse({
    store: heartbeatStore,
    patientStore: store,
    ticketQueue,
    logger,
    drain: createDrainTimer({
      store: heartbeatStore,
      waitingStore: store,
      looksMax: Math.ceil(connections.steps / 2),
      ticketQueue,
      publish,
      logger,
    }),
    endCompromised: createEndCompromised({ store: heartbeatStore, waitingStore: store, logger }),
    precedence,
    certify: signer === null ? null : createCertify({ store, signer, logger }),
    writeEvents: createWriteEvents(heartbeatStore, logger, config.LOG_LEVEL, measures?.eventsWritten),
    keepLog: createKeepLog({ store, signer, file: config.CHECKPOINT_FILE, sent: pushes?.last, logger }),
    destroyDue: createDestroyDue({ store, logger }),
    onUnfit: () => {
      isFit = false;
      stop.abort();
      queues.pause();
    },
    signal: stop.signal,
  });
  const rewrapping = keepRewrapping({ store, keks, logger, signal: stop.signal });
  const planning = keepPlanning({ env, heartbeatStore, kmsCalls, logger, signal: stop.signal });
  // Once for each reason, however often it is asked.
  let told = '';
  const tellOfDatabase = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : '';
    if (reason === told) return;
    told = reason;
    logger.warn('postgres does not do what work needs', { error });
  };

  return {
    ready: queues.ready,
    facts: () => (pushes === null ? {} : { checkpointsBehindSeconds: pushes.behindSeconds() }),
    async check() {
      const [postgres, trouble] = await Promise.all([
        checkWorkerWork(heartbeatStore).then(
          () => {
            told = '';
            return true;
          },
          (error: unknown) => {
            tellOfDatabase(error);
            return false;
          },
        ),
        watch.check(),
      ]);
      // Whoever paused a queue wanted it so.
      return { postgres, redis: trouble === null || trouble.code === 'PAUSED', schema: isFit };
    },
    async close() {
      stop.abort();
      // This waits for Redis and for the jobs under way; a process that is to end does not.
      const idle = [queues.close(), housekeeping, rewrapping, planning, pushes?.done];
      await withDeadline(handBackMs, Promise.all(idle));
      throttle?.close();
      await reports.close();
      watch.close();
      queues.disconnect();
      await Promise.all([ticketQueue.close(), snapshots.close()]);
      // A statement that hangs keeps its pool from ending; the process ends all the same.
      await withDeadline(disconnectMs, Promise.all([heartbeatStore.end(), store.end(), sweepStore.end()]));
    },
  };
}
