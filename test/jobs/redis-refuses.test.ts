import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  checkRedis,
  createSnapshots,
  createTicketQueue,
  openRedis,
  type RedisTroubleCode,
  watchRedis,
} from '@rekey/jobs';
import { startRedis } from '@rekey/stack';
import { Redis } from 'ioredis';
import { openDoor } from '../harness/door.ts';
import { testIdentity } from '../harness/redis.ts';
import { startCluster } from '../harness/redis-topologies.ts';
import { until } from '../harness/wait.ts';

// A Redis of our own: what is done to it would hit other tests.
const server = await startRedis();
test.after(() => server.stop());
const admin = new Redis(server.url, { maxRetriesPerRequest: null });
test.after(() => admin.disconnect());
const { port, password } = new URL(server.url);
const prefix = '{rekey}';
const identity = await testIdentity('here');
const keys = `${prefix}:here`;
const ticket = () => ({ rotationId: randomUUID(), tenantId: randomUUID() });
const snapshot = () => ({ ...ticket(), version: 1, final: false, view: {} });

/** All that uses Redis in a process, on that URL. */
function parts(redisUrl: string, t: TestContext, withPrefix = prefix) {
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

const codes = async ({ ticketQueue, snapshots, queues }: Parts) =>
  (await Promise.all([ticketQueue.check(), snapshots.check(), queues.check()])).map(
    (one) => one?.code ?? null,
  );
const wellAgain = (of: Parts) =>
  until(async () => (await codes(of)).every((code) => code === null) && (await of.works()), {
    what: 'everything works',
  });

const aclUser = async (...rules: string[]): Promise<string> => {
  const name = `u${randomUUID().slice(0, 8)}`;
  await admin.call('ACL', 'SETUSER', name, 'on', '>pw', '~*', '&*', '+@all', ...rules);
  return `redis://${name}:pw@127.0.0.1:${port}`;
};

const harms: Record<
  string,
  { does: () => Promise<unknown>; undo: () => Promise<unknown>; code: RedisTroubleCode }
> = {
  'a demotion to a replica': {
    does: () => admin.call('REPLICAOF', '127.0.0.1', '1'),
    undo: () => admin.call('REPLICAOF', 'NO', 'ONE'),
    code: 'READ_ONLY',
  },
  'a replica that serves nothing stale': {
    async does() {
      await admin.config('SET', 'replica-serve-stale-data', 'no');
      await admin.call('REPLICAOF', '127.0.0.1', '1');
    },
    async undo() {
      await admin.call('REPLICAOF', 'NO', 'ONE');
      await admin.config('SET', 'replica-serve-stale-data', 'yes');
    },
    code: 'READ_ONLY',
  },
  'too few replicas': {
    does: () => admin.config('SET', 'min-replicas-to-write', '1'),
    undo: () => admin.config('SET', 'min-replicas-to-write', '0'),
    code: 'NO_REPLICAS',
  },
  'a full memory': {
    does: () => admin.config('SET', 'maxmemory', '1'),
    undo: () => admin.config('SET', 'maxmemory', '0'),
    code: 'FULL',
  },
  'a script that does not end': {
    async does() {
      await admin.config('SET', 'busy-reply-threshold', '10');
      const runaway = new Redis(server.url);
      runaway.eval('while true do end', 0).catch(() => {});
      runaway.on('error', () => {});
      test.after(() => runaway.disconnect());
      await sleep(100);
    },
    undo: () => admin.call('SCRIPT', 'KILL'),
    code: 'BUSY',
  },
  'a new password': {
    async does() {
      await admin.config('SET', 'requirepass', 'another');
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    },
    undo: () => admin.config('SET', 'requirepass', decodeURIComponent(password)),
    code: 'CREDENTIALS',
  },
  'a queue that is paused': {
    does: () => admin.hset(`${keys}:rotations:meta`, 'paused', 1),
    undo: () => admin.hdel(`${keys}:rotations:meta`, 'paused'),
    code: 'PAUSED',
  },
  'a queue that may run nothing': {
    does: () => admin.hset(`${keys}:ranges:meta`, 'concurrency', 0),
    undo: () => admin.hdel(`${keys}:ranges:meta`, 'concurrency'),
    code: 'PAUSED',
  },
  'a list of ours that is none': {
    async does() {
      await admin.del(`${keys}:rotations:wait`);
      await admin.set(`${keys}:rotations:wait`, 'x');
    },
    undo: () => admin.del(`${keys}:rotations:wait`),
    code: 'WRONG_TYPE',
  },
  'a disk that cannot be written': {
    async does() {
      await rm(server.folder, { recursive: true });
      await admin.config('SET', 'save', '3600 1');
      await admin.call('BGSAVE');
      await until(async () => (await admin.info('persistence')).includes('rdb_last_bgsave_status:err'), {
        what: 'the save has failed',
      });
    },
    undo: () => admin.config('SET', 'save', ''),
    code: 'DISK',
  },
};

for (const [what, { does, undo, code }] of Object.entries(harms)) {
  test(`${what} is said as ${code}, though PING is answered, and over when it is over`, async (t) => {
    const all = parts(server.url, t);
    await wellAgain(all);
    try {
      await does();
      await until(
        async () => {
          const found = await codes(all);
          // Only whoever takes jobs looks at the queues.
          return (
            found[2] === code &&
            (['PAUSED', 'WRONG_TYPE'].includes(code) || found.every((one) => one === code))
          );
        },
        { what: `all say ${code}` },
      );
    } finally {
      await undo();
    }
    await wellAgain(all);
  });
}

for (const [what, rules, ours] of [
  ['scripts', ['-@scripting'], true],
  ['our keys', ['resetkeys', '~other:*'], true],
  ['streams', ['-@stream'], true],
  ['writing', ['-@write'], true],
  ['blocking', ['-@blocking'], false],
] as const) {
  test(`a user without the right to ${what} is told apart, and works once it has it`, async (t) => {
    const url = await aclUser(...rules);
    const all = parts(url, t);
    await until(async () => (await codes(all))[2] === 'DENIED', { what: 'DENIED' });
    const found = await codes(all);
    assert.deepEqual(found, ours ? ['DENIED', 'DENIED', 'DENIED'] : [null, null, 'DENIED']);
    await admin.call('ACL', 'SETUSER', new URL(url).username, 'on', '~*', '+@all');
    await wellAgain(all);
  });
}

test('a Cluster and a prefix without braces: CROSS_SLOT; with braces it works', async (t) => {
  const cluster = await startCluster(t);
  await wellAgain(parts(cluster, t));
  const without = parts(cluster, t, 'rekey');
  await until(async () => (await codes(without)).every((code) => code === 'CROSS_SLOT'), {
    what: 'CROSS_SLOT',
  });
});

test('behind one address, whoever is refused by the demoted server comes over to the new one by itself', async (t) => {
  const second = await startRedis();
  t.after(() => second.stop());
  const there = new Redis(second.url, { maxRetriesPerRequest: null });
  t.after(() => there.disconnect());
  await there.config('SET', 'requirepass', decodeURIComponent(password));
  await there.auth(decodeURIComponent(password));
  const door = await openDoor(Number(port), { owner: t });
  const all = parts(`redis://:${password}@127.0.0.1:${door.port}`, t);
  await wellAgain(all);
  const before = door.opened();
  door.leadTo(Number(new URL(second.url).port));
  await admin.call('REPLICAOF', '127.0.0.1', '1');
  t.after(async () => {
    await admin.call('REPLICAOF', 'NO', 'ONE');
  });
  const began = performance.now();
  await wellAgain(all);
  t.diagnostic(`over after ${Math.round(performance.now() - began)} ms`);
  assert.ok(door.opened() >= before + 3);
  assert.ok((await there.keys(`${keys}:*`)).length > 0, 'the tickets are there');
});

test('a server that stays refused is not called again and again', async (t) => {
  const door = await openDoor(Number(port), { owner: t });
  const all = parts(`redis://:${password}@127.0.0.1:${door.port}`, t);
  await wellAgain(all);
  const before = door.opened();
  await admin.config('SET', 'min-replicas-to-write', '1');
  const until3s = performance.now() + 3_000;
  while (performance.now() < until3s) {
    await Promise.all([all.works(), codes(all)]);
    await sleep(5);
  }
  await admin.config('SET', 'min-replicas-to-write', '0');
  const made = door.opened() - before;
  assert.ok(made >= 3 && made <= 15, `${made} connections in three seconds`);
  await wellAgain(all);
});

test('trouble that lasts is said after a while, then each interval, and once when it is over; a hiccup is not', async (t) => {
  const all = parts(server.url, t);
  await wellAgain(all);
  const said: string[] = [];
  const watch = watchRedis({
    parts: [all.ticketQueue, all.snapshots],
    onTrouble: ({ code }, ms) => said.push(`${code} ${ms >= 1_500}`),
    onOver: ({ code }, ms) => said.push(`over ${code} ${ms >= 5_000}`),
    afterMs: 1_500,
    againMs: 2_000,
  });
  t.after(async () => watch.close());
  await admin.config('SET', 'maxmemory', '1');
  await sleep(700);
  await admin.config('SET', 'maxmemory', '0');
  await sleep(1_500);
  assert.equal(said.length, 0);
  await admin.config('SET', 'maxmemory', '1');
  await until(() => said.length === 2, { what: 'said twice' });
  await sleep(1_500);
  await admin.config('SET', 'maxmemory', '0');
  await until(() => said.some((one) => one.startsWith('over')), { what: 'over' });
  await sleep(1_500);
  assert.deepEqual(new Set(said), new Set(['FULL true', 'over FULL true']));
  assert.equal(said.filter((one) => one.startsWith('over')).length, 1);
  assert.ok(said.length <= 4, said.join());
});
