import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { type CommandDependencies, createCommands } from '@rekey/commands';
import { loadInstallation, reviveView } from '@rekey/control';
import { createIdentity, createSnapshots, createTicketQueue, rotationJobId } from '@rekey/jobs';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { thisFile } from '../harness/cleanup.ts';
import { testRedis } from '../harness/redis.ts';
import { rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store } = core;
const { url, prefix } = testRedis();
const redisSettings = {
  redisUrl: url,
  prefix,
  identity: createIdentity(() => loadInstallation(store)),
  onError: () => {},
};
await redisSettings.identity.get();
const ticketQueue = createTicketQueue(redisSettings);
const snapshots = createSnapshots(redisSettings, reviveView);
const redis = new Redis(url, { maxRetriesPerRequest: null });
const { id: installation } = await loadInstallation(store);
const queue = new Queue('rotations', { connection: redis, prefix: `${prefix}:${installation}` });
thisFile.after(async () => {
  await Promise.all([ticketQueue.close(), snapshots.close(), queue.close()]);
  redis.disconnect();
});
await until(async () => (await ticketQueue.check()) === null, { what: 'the ticket queue is connected' });

const ada = { kind: 'user', realm: 'staff', id: 'ada', name: null, email: null } as const;

/** The real parts, and what was done through them in which order, each with how the rotation stood in Postgres then. */
function watched(): { dependencies: CommandDependencies; done: string[] } {
  const done: string[] = [];
  const stood = async (rotationId: string): Promise<string> => {
    const { rows } = await core.database
      .pool()
      .query('select status from rekey.rotations where id = $1', [rotationId]);
    return rows[0]?.status ?? 'not committed';
  };
  return {
    done,
    dependencies: {
      store,
      snapshots: {
        publish: async (snapshot) => {
          const at = done.push('snapshot') - 1;
          done[at] = `snapshot: ${await stood(snapshot.rotationId)}`;
          return snapshots.publish(snapshot);
        },
      },
      ticketQueue: {
        enqueue: async (ticket) => {
          const at = done.push('ticket') - 1;
          done[at] = `ticket: ${await stood(ticket.rotationId)}`;
          return ticketQueue.enqueue(ticket);
        },
      },
    },
  };
}

test('a start commits, then shows itself to those who poll, then puts its ticket into the queue', async () => {
  const tenantId = await core.createTenant();
  const { dependencies, done } = watched();
  const outcome = await createCommands(dependencies).startRotation(ada, { tenantId });
  assert.ok(outcome.kind === 'started');
  assert.equal(outcome.answer, null);
  // The snapshot is begun first, and not waited for.
  const shown = async (): Promise<boolean> =>
    !done.includes('snapshot') &&
    (await snapshots.read({ rotationId: outcome.view.id, tenantId }))?.view.id === outcome.view.id;
  await until(shown, { what: 'it is shown' });
  assert.deepEqual(done, ['snapshot: in_progress', 'ticket: in_progress']);
  const rotation = { rotationId: outcome.view.id, tenantId };
  assert.deepEqual((await queue.getJob(rotationJobId(rotation)))?.data, rotation);
});

test('what does not start shows and enqueues nothing', async () => {
  const tenantId = await core.createTenant();
  const running = await core.start(tenantId);
  const { dependencies, done } = watched();
  const commands = createCommands(dependencies);
  assert.deepEqual(await commands.startRotation(ada, { tenantId }), {
    kind: 'in_progress',
    rotationId: running,
  });
  assert.deepEqual(await commands.startRotation(ada, { tenantId: randomUUID() }), {
    kind: 'tenant_not_found',
  });
  const rotationId = randomUUID();
  assert.deepEqual(await commands.cancelRotation(ada, { rotationId }), { kind: 'not_found' });
  assert.deepEqual(done, []);
});

test('a cancel commits, and is shown before its outcome is', async () => {
  const tenantId = await core.createTenant();
  const rotationId = await core.start(tenantId);
  const { dependencies, done } = watched();
  const commands = createCommands(dependencies);
  assert.equal((await commands.cancelRotation(ada, { rotationId })).kind, 'changed');
  assert.deepEqual(done, ['snapshot: cancelled']);
  assert.equal((await snapshots.read({ rotationId, tenantId }))?.final, true);
  assert.equal((await commands.cancelRotation(ada, { rotationId })).kind, 'unchanged');
  assert.equal(done.length, 1);
});

test('what a key replays is kept to the byte, and means nothing to who keeps it', async () => {
  const tenantId = await core.createTenant();
  const { dependencies, done } = watched();
  const commands = createCommands(dependencies);
  const answer = Buffer.from(Uint8Array.from({ length: 256 }, (_, byte) => byte));
  const idempotency = { caller: 'ada', key: 'k', bodyHash: Buffer.of(1), answer: () => answer };
  const first = await commands.startRotation(ada, { tenantId, idempotency });
  assert.deepEqual(first.kind === 'started' ? first.answer : null, answer);
  const later = { ...idempotency, answer: (): Buffer => assert.fail('a replay makes no answer') };
  assert.deepEqual(await commands.startRotation(ada, { tenantId, idempotency: later }), {
    kind: 'replayed',
    answer,
  });
  assert.equal(done.length, 2, 'a replay shows and enqueues nothing');
});

test('without a key nothing is kept for replays', async () => {
  const tenantId = await core.createTenant();
  const kept = async (): Promise<number | null> =>
    (await store.query('select from rekey.idempotency_keys')).rowCount;
  const before = await kept();
  await createCommands(watched().dependencies).startRotation(ada, { tenantId });
  assert.equal(await kept(), before);
});

test('whoever acts is the actor of the events, whatever they are', async () => {
  for (const kind of ['user', 'policy', 'campaign', 'operator'] as const) {
    const tenantId = await core.createTenant();
    const commands = createCommands(watched().dependencies);
    const actor = { ...ada, kind };
    const started = await commands.startRotation(actor, { tenantId });
    assert.ok(started.kind === 'started');
    await commands.cancelRotation(actor, { rotationId: started.view.id });
    const { rows } = await store.query(
      `select kind, actor ->> 'kind' as by, actor ->> 'realm' as realm from rekey.events
       where rotation_id = $1 and kind like 'rotation.%' order by sequence`,
      [started.view.id],
    );
    assert.deepEqual(rows, [
      { kind: 'rotation.requested', by: kind, realm: 'staff' },
      { kind: 'rotation.cancelled', by: kind, realm: 'staff' },
    ]);
  }
});

test('with Redis away both commands do what they are for', async (t) => {
  const away = { ...redisSettings, redisUrl: 'redis://127.0.0.1:1' };
  const parts = { ticketQueue: createTicketQueue(away), snapshots: createSnapshots(away, reviveView) };
  t.after(() => Promise.all([parts.ticketQueue.close(), parts.snapshots.close()]));
  const commands = createCommands({ store, ...parts });
  const tenantId = await core.createTenant();
  const began = performance.now();
  const started = await commands.startRotation(ada, { tenantId });
  assert.ok(started.kind === 'started');
  assert.equal((await commands.cancelRotation(ada, { rotationId: started.view.id })).kind, 'changed');
  t.diagnostic(`${Math.round(performance.now() - began)} ms`);
});
