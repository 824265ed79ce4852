import {
  backoffMs,
  checkRedis,
  fitnessOf,
  keysOf,
  openRedis,
  parseRotationTicket,
  queueNames,
  type RedisClient,
  type RedisSettings,
  type RedisTrouble,
  type RotationTicket,
  troubleOf,
} from '@rekey/jobs';
import { jobLockMs, stalledEveryMs } from '@rekey/times';
import { type Processor, Worker as QueueWorker } from 'bullmq';
import { firstAnswer } from './first-answer.ts';
import { PutOff } from './put-off.ts';

export interface Queues {
  readonly ready: Promise<void>;
  /** What keeps Redis from giving jobs to us; null: nothing. */
  check(): Promise<RedisTrouble | null>;
  /** Takes no further jobs; those under way go on. */
  pause(): void;
  /** Waits for the jobs under way. */
  close(): Promise<void>;
  disconnect(): void;
}

export interface QueuesOptions {
  readonly redis: RedisSettings;
  readonly signal: AbortSignal;
  readonly rotations: { readonly concurrency: number; readonly process: Processor };
  readonly ranges: { readonly concurrency: number; readonly process: Processor };
  /** A tenant's job has left the queue. */
  readonly onDone: (ticket: RotationTicket) => Promise<void>;
}

/**
 * A job whose worker died is taken over after lock duration plus two stalled intervals at most. Neither limits how
 * long a job may run: the lock is renewed while the event loop turns.
 */
const jobLocks = {
  lockDuration: jobLockMs,
  stalledInterval: stalledEveryMs,
  maxStalledCount: Number.POSITIVE_INFINITY,
};

/** Takes jobs as soon as Postgres has told whose, and Redis what it is. */
export function startQueues(options: QueuesOptions): Queues {
  const { redis, signal } = options;
  let client: RedisClient | undefined;
  let workers: readonly QueueWorker[] = [];
  const probing = openRedis(redis.redisUrl, 'prompt', redis.onError);
  let keys = redis.prefix;
  /** What a look at the start found; a Redis that was away then may come back as one that evicts. */
  let unfit: RedisTrouble | null = null;

  const start = async (): Promise<void> => {
    const installation = await firstAnswer(() => redis.identity.get(), signal);
    if (installation === null) return;
    keys = keysOf(redis.prefix, installation);
    const fitness = await firstAnswer(() => fitnessOf(probing), signal);
    if (fitness === null) return;
    const { hidesVersion } = fitness;
    unfit = fitness.trouble;
    client = openRedis(redis.redisUrl, 'patient', redis.onError, { hidesVersion });
    workers = startWorkers(client, keys, options);
    await Promise.all(workers.map((worker) => worker.waitUntilReady()));
  };

  return {
    ready: start(),
    async check() {
      if (unfit !== null) unfit = await fitnessOf(probing).then(({ trouble }) => trouble, troubleOf);
      return unfit ?? checkRedis(probing, { keys, takesJobs: true });
    },
    pause() {
      for (const worker of workers) void worker.pause(true);
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
    },
    disconnect() {
      client?.disconnect();
      probing.disconnect();
    },
  };
}

function startWorkers(
  connection: RedisClient,
  prefix: string,
  options: QueuesOptions,
): readonly QueueWorker[] {
  const { redis, onDone } = options;
  const started = (['rotations', 'ranges'] as const).map(
    (name) =>
      new QueueWorker(queueNames[name], options[name].process, {
        connection,
        prefix,
        concurrency: options[name].concurrency,
        ...jobLocks,
        runRetryDelay: 1_000,
        // Ours say so themselves; nothing is kept of what others put there.
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
        settings: {
          backoffStrategy: (attemptsMade, _type, error) =>
            error instanceof PutOff ? error.ms : backoffMs(attemptsMade),
        },
      }),
  );
  for (const worker of started) {
    worker.on('error', redis.onError);
    // BullMQ does not stop a job whose lock is lost; it runs elsewhere by now.
    worker.on('lockRenewalFailed', (jobIds) => {
      for (const jobId of jobIds) worker.cancelJob(jobId);
    });
  }
  const left = (data: unknown): void => {
    const ticket = parseRotationTicket(data);
    if (ticket !== null) void onDone(ticket).catch(() => {});
  };
  started[0]?.on('completed', (job) => left(job.data));
  started[0]?.on('failed', (job) => left(job?.data));
  return started;
}
