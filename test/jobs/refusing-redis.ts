/** A Redis of the file's own, since what is done to it would hit other tests, and all that uses Redis in a process. */
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { checkRedis, createSnapshots, createTicketQueue, openRedis } from '@rekey/jobs';
import { startRedis } from '@rekey/stack';
import { Redis } from 'ioredis';
import { thisFile } from '../harness/cleanup.ts';
import { testIdentity } from '../harness/redis.ts';
import { until } from '../harness/wait.ts';

export const server = await startRedis();
thisFile.after(() => server.stop());
export const admin = new Redis(server.url, { maxRetriesPerRequest: null });
thisFile.after(async () => admin.disconnect());
export const { port, password } = new URL(server.url);
const prefix = '{rekey}';
const identity = await testIdentity('here');
export const keys = `${prefix}:here`;
const ticket = () => ({ rotationId: randomUUID(), tenantId: randomUUID() });
const snapshot = () => ({ ...ticket(), version: 1, final: false, view: {} });

/** All that uses Redis in a process, on that URL. */
export function parts(redisUrl: string, t: TestContext, withPrefix = prefix) {
  const settings = { redisUrl, prefix: withPrefix, identity, onError: () => {} };
  const ticketQueue = createTicketQueue(settings);
  const snapshots = createSnapshots(settings, (json) => json);
  const client = openRedis(redisUrl, 'prompt', () => {});
  t.after(async () => {
    await Promise.all([ticketQueue.close(), snapshots.close()]);
    client.disconnect();
  });
  const queues = { check: () => checkRedis(client, { keys: `${withPrefix}:here`, takesJobs: true }) };
  const works = async (): Promise<boolean> =>
    (await ticketQueue.enqueue(ticket())) && (await snapshots.publish(snapshot()));
  return { ticketQueue, snapshots, queues, works };
}
type Parts = ReturnType<typeof parts>;

export const codes = async ({ ticketQueue, snapshots, queues }: Parts) =>
  (await Promise.all([ticketQueue.check(), snapshots.check(), queues.check()])).map(
    (one) => one?.code ?? null,
  );
export const wellAgain = (of: Parts) =>
  until(async () => (await codes(of)).every((code) => code === null) && (await of.works()), {
    what: 'everything works',
  });
