import { type Job, Queue } from 'bullmq';
import { openRedis, type RedisClient } from './redis.ts';
import {
  jobOptions,
  queueNames,
  type RangeTicket,
  type RotationTicket,
  rangeJobId,
  rangePriority,
  rotationJobId,
} from './tickets.ts';

export interface RedisSettings {
  readonly redisUrl: string;
  /** What all our keys begin with. Keep the braces: with a Cluster they hold the keys together. */
  readonly prefix: string;
  readonly onError: (error: Error) => void;
}

/**
 * Puts tickets into the queues. It never throws and never hangs: false means that Redis did not take the ticket in
 * time, which costs a few seconds, since every worker looks into Postgres for what nobody works on.
 */
export interface Doorbell {
  ring(rotation: RotationTicket): Promise<boolean>;
  ringAll(rotations: readonly RotationTicket[]): Promise<boolean>;
  ringRanges(ranges: readonly RangeTicket[]): Promise<boolean>;
  /** Lets jobs run that wait for a later attempt. When that is due goes by the clock of the worker that put them off. */
  hurry(rotations: readonly RotationTicket[], ranges: readonly RangeTicket[]): Promise<boolean>;
  close(): Promise<void>;
}

const patienceMs = 300;
const batchPatienceMs = 2_000;

export function createDoorbell({ redisUrl, prefix, onError }: RedisSettings): Doorbell {
  const client = openRedis(redisUrl, 'prompt', onError);
  const queue = lazyQueues(client, prefix, onError);

  const ringAll = async (rotations: readonly RotationTicket[]): Promise<boolean> =>
    within(batchPatienceMs, onError, async () => {
      const jobs = rotations.map((ticket) => ({
        name: 'rotate',
        data: ticket,
        opts: { ...jobOptions, jobId: rotationJobId(ticket) },
      }));
      await queue('rotations').addBulk(jobs);
    });

  /** A ticket whose place is taken by a job of an earlier rotation, cancelled during its back-off, would wait for it. */
  const hurryEarlier = (ticket: RotationTicket): Promise<boolean> =>
    within(batchPatienceMs, onError, async () => {
      const job = await queue('rotations').getJob(rotationJobId(ticket));
      if (job !== undefined && job.data.rotationId !== ticket.rotationId) await promote(job);
    });

  return {
    ring: async (ticket) => {
      const rung = await within(patienceMs, onError, async () => {
        await queue('rotations').add('rotate', ticket, { ...jobOptions, jobId: rotationJobId(ticket) });
      });
      if (rung) void hurryEarlier(ticket); // nobody's answer has to wait for it
      return rung;
    },
    ringAll,
    hurry: (rotations, ranges) =>
      within(batchPatienceMs, onError, async () => {
        const jobs = await Promise.all([
          ...rotations.map((ticket) => queue('rotations').getJob(rotationJobId(ticket))),
          ...ranges.map((ticket) => queue('ranges').getJob(rangeJobId(ticket))),
        ]);
        for (const job of jobs) if (job !== undefined) await promote(job);
      }),
    ringRanges: (ranges) =>
      within(batchPatienceMs, onError, async () => {
        const jobs = ranges.map((ticket) => ({
          name: 'sweep',
          data: ticket,
          opts: { ...jobOptions, jobId: rangeJobId(ticket), priority: rangePriority(ticket) },
        }));
        await queue('ranges').addBulk(jobs);
      }),
    close: async () => {
      client.disconnect();
    },
  };
}

async function promote(job: Job): Promise<void> {
  if (await job.isDelayed()) await job.promote().catch(() => {}); // its time came in this moment
}

/**
 * A BullMQ queue that is built while Redis is down keeps failing after it is back, so each is built at its first
 * use with a ready connection, and from then on fails fast by itself.
 */
function lazyQueues(
  client: RedisClient,
  prefix: string,
  onError: (error: Error) => void,
): (name: keyof typeof queueNames) => Queue {
  const built = new Map<string, Queue>();
  return (name) => {
    const known = built.get(name);
    if (known !== undefined) return known;
    if (client.status !== 'ready') throw new Error('Redis is not connected');
    const queue = new Queue(queueNames[name], { connection: client, prefix, skipWaitingForReady: true });
    queue.on('error', onError);
    built.set(name, queue);
    return queue;
  };
}

async function within(
  ms: number,
  onError: (error: Error) => void,
  work: () => Promise<void>,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const done = (async () => {
    try {
      await work();
      return true;
    } catch (error) {
      onError(error instanceof Error ? error : new Error('a ticket was not taken'));
      return false;
    }
  })();
  try {
    return await Promise.race([done, late]);
  } finally {
    clearTimeout(timer);
  }
}
