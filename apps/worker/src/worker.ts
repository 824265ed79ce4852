import { findUnfinished, loadInstallation, reviveView, type Snapshot } from '@rekey/control';
import { type BatchCipher, openBatchCipher } from '@rekey/envelope';
import type { Signer } from '@rekey/evidence';
import { createIdentity, createSnapshots, createTicketQueue, warnOfRedis } from '@rekey/jobs';
import { bindTenantKeks, createUsage, startReporting } from '@rekey/keyring';
import type { Keks } from '@rekey/kms';
import type { Logger } from '@rekey/runtime';
import { disconnectMs, handBackMs, kekSuspendedMs, schemaMissingMs as longestMissingMs } from '@rekey/times';
import { createCertify } from './certify.ts';
import type { WorkerConfig } from './config.ts';
import { divideConnections, type WorkerConnections } from './connections.ts';
import { countKmsCalls } from './count-kms-calls.ts';
import { createDestroyDue } from './destroy-due.ts';
import { createDrainTimer } from './drain-timer.ts';
import { createDropped } from './dropped.ts';
import { createEndCompromised } from './end-compromised.ts';
import { createEnvironment } from './environment.ts';
import { createFollowPolicies } from './follow-policies.ts';
import { createHandOn } from './hand-on.ts';
import { keepHouse } from './housekeeping.ts';
import { keepCampaigns } from './keep-campaigns.ts';
import { createKeepHours } from './keep-hours.ts';
import { keepKekCompromises } from './keep-kek-compromises.ts';
import { createKeepLog } from './keep-log.ts';
import { keepPlanning } from './keep-planning.ts';
import { keepRewrapping } from './keep-rewrapping.ts';
import type { WorkerMetrics } from './metrics.ts';
import { createMissingSchema } from './missing-schema.ts';
import { openStores } from './open-stores.ts';
import { createPostgresCheck } from './postgres-check.ts';
import { createPrecedence } from './precedence.ts';
import { processRange } from './process-range.ts';
import { processRotation } from './process-rotation.ts';
import type { SuspendedMs } from './put-off.ts';
import { startQueues } from './queues.ts';
import { tellOutside } from './tell-outside.ts';
import { createWorkerThrottle } from './throttle/create-throttle.ts';
import { createTryChosenKeks } from './try-chosen-keks.ts';
import { untilStopped } from './until-stopped.ts';
import type { OpenSigner } from './usable-signer.ts';
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
  readonly signer?: OpenSigner | null;
  readonly secondSigner?: Signer | null;
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
    secondSigner = null,
    suspendedMs = kekSuspendedMs,
    measures = null,
  }: WorkerOptions = {},
): RekeyWorker {
  const ranges = config.WORKER_CONCURRENCY;
  // Rotations that are swept by one job mostly wait for commits, and share them with those that come to the same step.
  const rotations = 8 * config.WORKER_CONCURRENCY;

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
  const tenantKeks = bindTenantKeks(keks, heartbeatStore);
  const kmsCalls = countKmsCalls(tenantKeks.keks);
  const company = { workers: 1 };
  const throttle = createWorkerThrottle({
    config,
    store: heartbeatStore,
    patientStore: store,
    places: () => env.statementLimiter?.places ?? 1,
    company,
    publish,
    logger,
    measures,
  });
  const env = createEnvironment({
    config,
    connections,
    stores: { store, heartbeatStore, sweepStore },
    keks: kmsCalls.keks,
    usage,
    cipher,
    throttle,
    company,
    publish,
    logger,
    measures,
  });
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
  const { pushes, done: told } = tellOutside({
    config,
    store: heartbeatStore,
    logger,
    signal: stop.signal,
    measures,
  });
  const keepLog = createKeepLog({
    ...{ store, signer, secondSigner },
    file: config.CHECKPOINT_FILE,
    sent: pushes?.last,
    logger,
  });
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
    followPolicies: createFollowPolicies({ store: heartbeatStore, ticketQueue, logger }),
    keepHours: createKeepHours({
      store: heartbeatStore,
      waitingStore: store,
      waitsMax: Math.ceil(connections.steps / 4),
      ticketQueue,
      publish,
      logger,
    }),
    certify:
      signer === null ? null : createCertify({ store, signer, secondSigner, cover: keepLog.cover, logger }),
    writeEvents: createWriteEvents(heartbeatStore, logger, config.LOG_LEVEL, measures?.eventsWritten),
    keepLog,
    destroyDue: createDestroyDue({ store, logger }),
    tryChosenKeks: createTryChosenKeks({ store: heartbeatStore, keks, logger }),
    onUnfit: () => {
      isFit = false;
      stop.abort();
      queues.pause();
    },
    signal: stop.signal,
  });
  const kept = { logger, signal: stop.signal };
  const keeping = [
    // By itself, since the other chores of a second may take longer than that.
    untilStopped('looking for compromised keys', precedence.look, kept),
    keepRewrapping({ store, keks: tenantKeks.keks, ...kept }),
    keepCampaigns({ store, ticketQueue, ...kept }),
    keepKekCompromises({ store, ticketQueue, ...kept }),
    keepPlanning({ env, heartbeatStore, kmsCalls, precedence, ...kept }),
  ];
  const answersForWork = createPostgresCheck(heartbeatStore, logger);

  return {
    ready: queues.ready,
    facts: () => (pushes === null ? {} : { checkpointsBehindSeconds: pushes.behindSeconds() }),
    async check() {
      const [postgres, trouble] = await Promise.all([answersForWork(), watch.check()]);
      // Whoever paused a queue wanted it so.
      return { postgres, redis: trouble === null || trouble.code === 'PAUSED', schema: isFit };
    },
    async close() {
      stop.abort();
      // This waits for Redis and for the jobs under way; a process that is to end does not.
      const idle = [queues.close(), housekeeping, ...keeping, told];
      await withDeadline(handBackMs, Promise.all(idle));
      throttle?.close();
      await Promise.all([reports.close(), tenantKeks.closeOpened()]);
      watch.close();
      queues.disconnect();
      await Promise.all([ticketQueue.close(), snapshots.close()]);
      // A statement that hangs keeps its pool from ending; the process ends all the same.
      await withDeadline(disconnectMs, Promise.all([heartbeatStore.end(), store.end(), sweepStore.end()]));
    },
  };
}
