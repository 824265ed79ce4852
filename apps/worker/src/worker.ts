import { findUnfinished, reviveView, type Snapshot } from '@rekey/control';
import { openStore, openSweepStore, workerSession } from '@rekey/db';
import {
  backoffMs,
  createDoorbell,
  createScoreboard,
  openRedis,
  parseRotationTicket,
  queueNames,
} from '@rekey/jobs';
import { createKeyring } from '@rekey/keyring';
import type { Kek } from '@rekey/kms';
import {
  createPace,
  fixedBatchSize,
  fixedTurns,
  measuredBatchSize,
  measuredTurns,
  type RotationEnvironment,
} from '@rekey/rotation';
import type { Logger } from '@rekey/runtime';
import { checkWorkerWork } from '@rekey/schema';
import { Worker as QueueWorker, type WorkerOptions } from 'bullmq';
import type { WorkerConfig } from './config.ts';
import { createDrainTimer } from './drain-timer.ts';
import { keepHouse } from './housekeeping.ts';
import { processRange } from './process-range.ts';
import { processRotation } from './process-rotation.ts';

export interface RekeyWorker {
  /** Resolves when jobs are being taken. Waits while Redis is away. */
  readonly ready: Promise<void>;
  /** Whether Postgres and Redis answer, and the schema is one that this version may work on. */
  check(): Promise<Record<string, boolean>>;
  /** Stops after the batches under way, hands unfinished jobs back, and closes everything; at most a few seconds. */
  close(): Promise<void>;
}

/**
 * A job whose worker died is taken over after lock duration plus two stalled intervals at most. Neither limits how
 * long a job may run: the lock is renewed while the event loop turns.
 */
const jobLocks = { lockDuration: 6_000, stalledInterval: 3_000, maxStalledCount: Number.POSITIVE_INFINITY };

/** `worker.close()` waits for Redis and for the jobs under way; a process that is to end does not. */
const handBackDeadlineMs = 3_000;
/** A statement that hangs keeps its pool from ending; the process ends all the same. */
const disconnectDeadlineMs = 500;

/** Nobody waits for a worker's answer, so it has the patience that a far or busy Postgres needs. */
const connectTimeoutMs = 5_000;
/** Longer than the most patient switch (10 s) and than any statement; a worker that waits for ever helps nobody. */
const takenMaxMs = 15_000;

/** Builds the worker from its settings and starts it. `kek` stays the caller's to close. */
export function startWorker(config: WorkerConfig, kek: Kek, logger: Logger): RekeyWorker {
  const onRedisError = (error: Error): void => logger.debug('redis', { error });
  const redis = { redisUrl: config.REDIS_URL, prefix: config.QUEUE_PREFIX, onError: onRedisError };
  const ranges = config.WORKER_CONCURRENCY;
  // Rotations that are swept by one job mostly wait for commits: several at once use the time.
  const rotations = 3 * config.WORKER_CONCURRENCY;

  const database = {
    url: config.DATABASE_URL,
    connectTimeoutMs,
    takenMaxMs,
    onError: (error: Error) => logger.debug('postgres', { error }),
  };
  const store = openStore({
    ...database,
    session: workerSession,
    max: ranges + rotations,
    applicationName: 'rekey-worker',
  });
  // Each range reads ahead on one connection and writes on another; small ones have nothing to read ahead.
  const sweepStore = openSweepStore({
    ...database,
    max: 2 * ranges + rotations,
    applicationName: 'rekey-sweep',
  });

  const doorbell = createDoorbell(redis);
  const scoreboard = createScoreboard(redis, reviveView);
  const publish = ({ view, ...snapshot }: Snapshot): void => {
    void scoreboard.publish({ ...snapshot, rotationId: view.id, final: view.completedAt !== null, view });
  };

  const env: RotationEnvironment = {
    store,
    sweepStore,
    kek,
    keyring: createKeyring({ store, kek }),
    batchSize: config.BATCH_SIZE === undefined ? measuredBatchSize() : fixedBatchSize(config.BATCH_SIZE),
    turns:
      config.WORKER_STATEMENTS === undefined
        ? measuredTurns(2 * ranges)
        : fixedTurns(config.WORKER_STATEMENTS),
    pace: config.ITEMS_PER_SECOND_MAX === undefined ? undefined : createPace(config.ITEMS_PER_SECOND_MAX),
    publish,
    onMended: (rotationId, what) => logger.warn(`a count was mended: ${what}`, { rotationId }),
  };
  const stop = new AbortController();
  const dependencies = { env, logger, stopping: stop.signal };

  const connection = openRedis(config.REDIS_URL, 'patient', onRedisError);
  const options = (concurrency: number): WorkerOptions => ({
    connection,
    prefix: config.QUEUE_PREFIX,
    concurrency,
    ...jobLocks,
    settings: { backoffStrategy: (attemptsMade) => backoffMs(attemptsMade) },
  });
  const rotationWorker = new QueueWorker(
    queueNames.rotations,
    processRotation({ ...dependencies, doorbell }),
    options(rotations),
  );
  const rangeWorker = new QueueWorker(queueNames.ranges, processRange(dependencies), options(ranges));

  for (const worker of [rotationWorker, rangeWorker]) {
    worker.on('error', onRedisError);
    // BullMQ does not stop a job whose lock is lost; it runs elsewhere by now.
    worker.on('lockRenewalFailed', (jobIds) => {
      for (const jobId of jobIds) worker.cancelJob(jobId);
    });
  }

  // A rotate call that came between `completed` in Postgres and the removal of the job had its ticket swallowed: the
  // tenant then has another rotation than the one this job was for.
  const ringAgain = async (data: unknown): Promise<void> => {
    const ticket = parseRotationTicket(data);
    if (ticket === null || stop.signal.aborted) return;
    const rotationId = await findUnfinished(store, ticket.tenantId);
    if (rotationId !== null && rotationId !== ticket.rotationId)
      await doorbell.ring({ rotationId, tenantId: ticket.tenantId });
  };
  rotationWorker.on('completed', (job) => void ringAgain(job.data).catch(() => {}));
  rotationWorker.on('failed', (job) => void ringAgain(job?.data).catch(() => {}));

  let isFit = true;
  const housekeeping = keepHouse({
    store,
    doorbell,
    logger,
    drain: createDrainTimer({ store, doorbell, publish, logger }),
    onUnfit: () => {
      isFit = false;
      stop.abort();
      for (const worker of [rotationWorker, rangeWorker]) void worker.pause(true);
    },
    signal: stop.signal,
  });
  // Once for each reason, however often it is asked.
  let told = '';
  const tellOfDatabase = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : '';
    if (reason === told) return;
    told = reason;
    logger.warn('postgres does not do what work needs', { error });
  };

  return {
    ready: Promise.all([rotationWorker.waitUntilReady(), rangeWorker.waitUntilReady()]).then(() => {}),
    async check() {
      const [postgres, answered] = await Promise.all([
        checkWorkerWork(store).then(
          () => {
            told = '';
            return true;
          },
          (error: unknown) => {
            tellOfDatabase(error);
            return false;
          },
        ),
        scoreboard.ping(),
      ]);
      return { postgres, redis: answered, schema: isFit };
    },
    async close() {
      stop.abort();
      await withDeadline(
        handBackDeadlineMs,
        Promise.all([rotationWorker.close(), rangeWorker.close(), housekeeping]),
      );
      connection.disconnect();
      await Promise.all([doorbell.close(), scoreboard.close()]);
      await withDeadline(disconnectDeadlineMs, Promise.all([store.end(), sweepStore.end()]));
    },
  };
}

async function withDeadline(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.then(() => {}), deadline]).catch(() => {});
  clearTimeout(timer);
}
