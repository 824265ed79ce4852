import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { callApi } from '../clients/api-client.ts';
import { type Fault, seenIf } from './fault.ts';
import { places } from './points.ts';

/** Tickets of a rotation that runs, again and under other job ids, so that several workers take them at once. */
const sameJobTwice: Fault = async ({ world, random, running }) => {
  const [tenantId, prefixed] = running.size === 0 ? [] : random.pick([...running]);
  if (tenantId === undefined || prefixed === undefined) return seenIf(false, 'no rotation runs');
  const rotationId = prefixed.slice('rot-'.length);
  const client = new Redis(world.redis.url, { maxRetriesPerRequest: 1 });
  client.on('error', () => {});
  const open = (name: string): Queue => {
    const queue = new Queue(name, { connection: client, prefix: world.prefix });
    queue.on('error', () => {});
    return queue;
  };
  try {
    const options = { removeOnComplete: true, removeOnFail: true };
    const rotations = open('rotations');
    const ranges = open('ranges');
    const added = await rotations.addBulk(
      Array.from({ length: 4 }, () => ({
        name: 'rotate',
        data: { rotationId, tenantId },
        opts: { ...options, jobId: `again-${randomUUID()}` },
      })),
    );
    await ranges.addBulk(
      ['credentials', 'api_keys', 'secrets'].flatMap((target) =>
        [1, 2].map(() => ({
          name: 'sweep',
          data: { rotationId, target, ordinal: 0 },
          opts: { ...options, jobId: `again-${randomUUID()}` },
        })),
      ),
    );
    await sleep(3_000);
    const states = await Promise.all(added.map((job) => job.getState()));
    const taken = states.filter((state) => state !== 'waiting' && state !== 'prioritized');
    return seenIf(taken.length > 1, `${taken.length} of ${states.length} copies were taken`);
  } catch {
    return seenIf(false, 'Redis was away');
  } finally {
    client.disconnect();
  }
};

/** Between the commit of `completed` and the moment the worker hears of it. */
const rotateAtCompletion: Fault = async ({ world, random, within }) => {
  const sprung = Promise.withResolvers<number>();
  let taken = false;
  const disarm = world.workers.map((slot) =>
    slot.postgres.arm({
      ...places.afterCompleted,
      async spring() {
        if (taken) return 'pass';
        taken = true;
        const { rows } = await world.pool
          .query<{ tenant_id: string }>(
            'select tenant_id from rekey.rotations where completed_at is not null order by completed_at desc limit 1',
          )
          .catch(() => ({ rows: [] }));
        const [last] = rows;
        if (last === undefined) sprung.resolve(0);
        else {
          const call = { what: 'rotate', tenantId: last.tenant_id, id: null } as const;
          sprung.resolve((await callApi(world, random.pick(world.apis), call)).status);
        }
        return 'pass';
      },
    }),
  );
  const came = await within(15_000, sprung.promise);
  for (const off of disarm) off();
  const status = came ? await sprung.promise : 0;
  return seenIf(status === 200, `answered ${status}`);
};

/** Several rotate calls at once for a tenant that has one running. */
const rotateWhileOneRuns: Fault = async ({ world, random, running }) => {
  const [tenantId] = running.size === 0 ? [] : random.pick([...running]);
  if (tenantId === undefined) return seenIf(false, 'no rotation runs');
  const calls = Array.from(
    { length: 6 },
    (_, i) => world.apis[i % world.apis.length] ?? random.pick(world.apis),
  );
  const answers = await Promise.all(
    calls.map((api) => callApi(world, api, { what: 'rotate', tenantId, id: null })),
  );
  const refused = answers.filter(({ status }) => status === 409).length;
  return seenIf(refused > 0, `${refused} of ${answers.length} were told 409`);
};

export const deliveryFaults = {
  'rotate-while-one-runs': rotateWhileOneRuns,
  'same-job-twice': sameJobTwice,
  'rotate-in-the-moment-of-completion': rotateAtCompletion,
} as const satisfies Record<string, Fault>;
