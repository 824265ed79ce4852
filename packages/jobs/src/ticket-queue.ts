import { enqueueMs } from '@rekey/times';
import { type Job, Queue } from 'bullmq';
import { checkRedis } from './check-redis.ts';
import { type Identity, type Installation, keysOf } from './installation.ts';
import { mendPlace } from './mend-place.ts';
import { openRedis, type RedisClient } from './redis.ts';
import type { RedisTrouble } from './redis-trouble.ts';
import { runScript, script } from './run-script.ts';
import {
  jobNames,
  jobOptions,
  queueNames,
  type RangeTicket,
  type RotationTicket,
  rangeJobId,
  rangePlace,
  rotationJobId,
  rotationPlace,
} from './tickets.ts';

export interface RedisSettings {
  readonly redisUrl: string;
  /** What all our keys begin with. Keep the braces: with a Cluster they hold the keys together. */
  readonly prefix: string;
  /** Which follows in all of them, since others may have the same prefix there. */
  readonly identity: Identity;
  readonly onError: (error: Error) => void;
}

/**
 * Puts tickets into the queues. It never throws and never hangs: false means that Redis did not take the ticket in
 * time, which costs a few seconds, since every worker looks into Postgres for what nobody works on.
 */
export interface TicketQueue {
  enqueue(rotation: RotationTicket): Promise<boolean>;
  enqueueRanges(ranges: readonly RangeTicket[]): Promise<boolean>;
  /** Those of them that Redis holds no job of: what only waits for a free worker is looked at and left alone. */
  enqueueLost(rotations: readonly RotationTicket[]): Promise<boolean>;
  enqueueLostRanges(ranges: readonly RangeTicket[]): Promise<boolean>;
  /**
   * For tickets that were added again and again and brought nobody to work. Lets jobs run that wait for a later attempt
   * (when that is due goes by the clock of the worker that put them off), and adds those anew that Redis has the ids of
   * and no worker will ever be given. A few at a time.
   */
  hurry(rotations: readonly RotationTicket[], ranges: readonly RangeTicket[]): Promise<boolean>;
  /** How many jobs are in each queue, by state; null: Redis did not say. */
  counts(): Promise<QueueCounts | null>;
  /** What keeps Redis from taking tickets; null: nothing. */
  check(): Promise<RedisTrouble | null>;
  close(): Promise<void>;
}

/** Jobs that wait for a worker, in whatever order, that a worker has, and that are put off. */
export type QueueCounts = Record<
  keyof typeof queueNames,
  Readonly<Record<'waiting' | 'active' | 'delayed', number>>
>;

/** What one call looks after: a look costs Redis a search of its lists. The caller names others the next time. */
const hurriedMax = 50;
const movedMax = 5;

/** Which of these keys are none, by their place among them. */
const missing = script(`
local found = {}
for i = 1, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then found[#found + 1] = i end
end
return found`);

export function createTicketQueue({ redisUrl, prefix, identity, onError }: RedisSettings): TicketQueue {
  const client = openRedis(redisUrl, 'prompt', onError, { hidesVersion: true }); // adding jobs goes by no version
  const queue = lazyQueues(client, prefix, identity, onError);

  const addRotations = async (tickets: readonly RotationTicket[]): Promise<void> => {
    const jobs = tickets.map(plain).map((ticket) => ({
      name: jobNames.rotations,
      data: ticket,
      opts: { ...jobOptions, ...rotationPlace(ticket), jobId: rotationJobId(ticket) },
    }));
    await (await queue('rotations')).addBulk(jobs);
  };
  const addRanges = async (tickets: readonly RangeTicket[]): Promise<void> => {
    const jobs = tickets.map(plain).map((ticket) => ({
      name: jobNames.ranges,
      data: ticket,
      opts: { ...jobOptions, ...rangePlace(ticket), jobId: rangeJobId(ticket) },
    }));
    await (await queue('ranges')).addBulk(jobs);
  };

  /** A ticket whose place is taken by a job of an earlier rotation, cancelled during its back-off, would wait for it. */
  const hurryEarlier = (ticket: RotationTicket): Promise<boolean> =>
    within(enqueueMs.many, onError, async () => {
      const job = await (await queue('rotations')).getJob(rotationJobId(ticket));
      if (job !== undefined && job.data.rotationId !== ticket.rotationId) await promote(job);
    });

  /** Those that have no place in the queue any more; those put off run now. */
  const misplaced = async <Ticket extends RotationTicket | RangeTicket>(
    of: Queue,
    tickets: readonly Ticket[],
    idOf: (ticket: Ticket) => string,
  ): Promise<Ticket[]> => {
    const lost: Ticket[] = [];
    let moved = 0;
    for (const ticket of tickets.slice(0, hurriedMax).map(plain)) {
      const place = await mendPlace(
        client,
        of.opts.prefix ?? '',
        of.name,
        idOf(ticket),
        ticket,
        moved < movedMax,
      );
      if (place === 'moved') moved += 1;
      if (place === 'lost') lost.push(ticket);
      if (place === 'delayed') {
        const job = await of.getJob(idOf(ticket));
        if (job !== undefined) await promote(job);
      }
    }
    return lost;
  };

  const lost = async <Ticket>(of: Queue, tickets: readonly Ticket[], idOf: (ticket: Ticket) => string) => {
    const keys = tickets.map((ticket) => of.toKey(idOf(ticket)));
    const found = new Set((await runScript(client, missing, keys, [])) as number[]); // what the script returns
    return tickets.filter((_ticket, i) => found.has(i + 1));
  };

  return {
    enqueue: async (ticket) => {
      const isQueued = await within(enqueueMs.one, onError, async () => {
        await (await queue('rotations')).add(jobNames.rotations, plain(ticket), {
          ...jobOptions,
          ...rotationPlace(ticket),
          jobId: rotationJobId(ticket),
        });
      });
      if (isQueued) void hurryEarlier(ticket); // nobody's answer has to wait for it
      return isQueued;
    },
    enqueueRanges: (ranges) => within(enqueueMs.many, onError, () => addRanges(ranges)),
    enqueueLost: (rotations) =>
      within(enqueueMs.many, onError, async () =>
        addRotations(await lost(await queue('rotations'), rotations, rotationJobId)),
      ),
    enqueueLostRanges: (ranges) =>
      within(enqueueMs.many, onError, async () =>
        addRanges(await lost(await queue('ranges'), ranges, rangeJobId)),
      ),
    hurry: (rotations, ranges) =>
      within(enqueueMs.many, onError, async () => {
        await addRotations(await misplaced(await queue('rotations'), rotations, rotationJobId));
        await addRanges(await misplaced(await queue('ranges'), ranges, rangeJobId));
      }),
    async counts() {
      let found: QueueCounts | null = null;
      const countOf = async (name: keyof typeof queueNames) => {
        const jobs = await (await queue(name)).getJobCounts('wait', 'prioritized', 'active', 'delayed');
        const of = (state: string): number => jobs[state] ?? 0;
        return {
          waiting: of('wait') + of('prioritized'),
          active: of('active'),
          delayed: of('delayed'),
        };
      };
      await within(enqueueMs.many, onError, async () => {
        found = { rotations: await countOf('rotations'), ranges: await countOf('ranges') };
      });
      return found;
    },
    async check() {
      const known = identity.known();
      return checkRedis(client, { keys: known === null ? prefix : keysOf(prefix, known), takesJobs: false });
    },
    close: async () => {
      client.disconnect();
    },
  };
}

/** As it stands in Redis, where what is not so is left out: tickets are compared. */
function plain<Ticket extends RotationTicket | RangeTicket>(ticket: Ticket): Ticket {
  if (ticket.compromise === true) return ticket;
  const { compromise: _ordinary, ...rest } = ticket;
  return rest as Ticket; // `compromise` is optional
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
  identity: Identity,
  onError: (error: Error) => void,
): (name: keyof typeof queueNames) => Promise<Queue> {
  const built = new Map<string, Queue>();
  const build = (name: keyof typeof queueNames, installation: Installation): Queue => {
    const known = built.get(name);
    if (known !== undefined) return known;
    if (client.status !== 'ready') throw new Error('Redis is not connected');
    const keys = keysOf(prefix, installation);
    const queue = new Queue(queueNames[name], {
      connection: client,
      prefix: keys,
      skipWaitingForReady: true,
    });
    queue.on('error', onError);
    built.set(name, queue);
    return queue;
  };
  return async (name) => build(name, await identity.get());
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
