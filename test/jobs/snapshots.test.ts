import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSnapshots, type PublishedSnapshot } from '@rekey/jobs';
import { Redis } from 'ioredis';
import { openLink } from '../chaos/proxy/link.ts';
import { testIdentity, testRedis } from '../harness/redis.ts';
import { takesUnder } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';

interface View {
  readonly percent: number;
}

const { url, prefix } = testRedis();
const identity = await testIdentity();
const tenantId = randomUUID();
const keyOf = (id: string): string => `${prefix}:${identity.known()?.id}:progress:${id}`;
const revive = (json: unknown): View | null =>
  typeof json === 'object' && json !== null && 'percent' in json && typeof json.percent === 'number'
    ? { percent: json.percent }
    : null;

function connect(redisUrl = url) {
  const made = createSnapshots<View>({ redisUrl, prefix, identity, onError: () => {} }, revive);
  test.after(() => made.close());
  return {
    ...made,
    read: async (rotationId: string): Promise<View | null> =>
      (await made.read({ rotationId, tenantId }))?.view ?? null,
  };
}

const snapshots = connect();
const redis = new Redis(url);
test.after(() => redis.disconnect());
await until(async () => (await snapshots.check()) === null, { what: 'Redis is connected' });

const snapshot = (rotationId: string, version: number, final = false): PublishedSnapshot<View> => ({
  rotationId,
  tenantId,
  version,
  final,
  view: { percent: version },
});

test('an older snapshot never replaces a newer one, nor does one of the same version', async () => {
  const id = randomUUID();
  assert.equal(await snapshots.publish(snapshot(id, 5)), true);
  assert.equal(await snapshots.publish(snapshot(id, 4)), false);
  assert.equal(await snapshots.publish({ ...snapshot(id, 5), view: { percent: 0 } }), false);
  assert.deepEqual(await snapshots.read(id), { percent: 5 });
  assert.equal(await snapshots.publish(snapshot(id, 6)), true);
  assert.deepEqual(await snapshots.read(id), { percent: 6 });
});

test('versions are compared as numbers, not as text', async () => {
  const id = randomUUID();
  await snapshots.publish(snapshot(id, 9));
  assert.equal(await snapshots.publish(snapshot(id, 10)), true);
  assert.equal(await snapshots.publish(snapshot(id, 9)), false);
});

test('a final snapshot is never replaced, not even by a higher version', async () => {
  const id = randomUUID();
  await snapshots.publish(snapshot(id, 7, true));
  assert.equal(await snapshots.publish(snapshot(id, 8)), false);
  assert.equal(await snapshots.publish(snapshot(id, 9, true)), false);
  assert.deepEqual(await snapshots.read(id), { percent: 7 });
});

test('of a hundred snapshots published at once by two processes the newest stands', async () => {
  const other = connect();
  await until(async () => (await other.check()) === null, { what: 'the other one is connected' });
  for (let round = 0; round < 10; round += 1) {
    const id = randomUUID();
    const versions = Array.from({ length: 100 }, (_, i) => i + 1).sort(() => Math.random() - 0.5);
    await Promise.all(
      versions.map((version, i) => (i % 2 === 0 ? snapshots : other).publish(snapshot(id, version))),
    );
    assert.deepEqual(await snapshots.read(id), { percent: 100 });
  }
});

test('a live snapshot lapses soon, so that Postgres is asked; a final one stays for minutes', async () => {
  const [live, final] = [randomUUID(), randomUUID()];
  await snapshots.publish(snapshot(live, 1));
  await snapshots.publish(snapshot(final, 1, true));
  const ttl = async (id: string): Promise<number> => redis.pttl(keyOf(id));
  assert.ok((await ttl(live)) > 1_000 && (await ttl(live)) <= 5_000);
  assert.ok((await ttl(final)) > 60_000);
});

test('a snapshot lapses three seconds after it was read, however late it is published', async () => {
  const [late, tooLate, final] = [randomUUID(), randomUUID(), randomUUID()];
  const readAgo = (ms: number) => ({ asOfMs: performance.now() - ms });
  assert.equal(await snapshots.publish({ ...snapshot(late, 1), ...readAgo(2_000) }), true);
  assert.ok((await redis.pttl(keyOf(late))) <= 1_000);
  assert.equal(await snapshots.publish({ ...snapshot(tooLate, 1), ...readAgo(3_100) }), false);
  assert.equal(await snapshots.read(tooLate), null);
  assert.equal(await snapshots.publish({ ...snapshot(final, 1, true), ...readAgo(60_000) }), true);
});

test('a snapshot that a connection held back until the newer ones had lapsed is not taken', async () => {
  const id = randomUUID();
  const link = await openLink('a publisher', url, 'redis');
  test.after(() => link.close());
  const slow = connect(link.url);
  await until(() => slow.publish(snapshot(id, 1)), { what: 'the publisher is connected' });
  link.set('stall');
  assert.equal(await slow.publish(snapshot(id, 2)), false);
  await snapshots.publish(snapshot(id, 3));
  await until(async () => (await snapshots.read(id)) === null, { what: 'the newer one has lapsed' });
  link.set('pass');
  await sleep(300);
  assert.equal(await snapshots.read(id), null);
  assert.equal(await slow.publish(snapshot(id, 4)), true);
});

test('where Redis does not take a final snapshot the live one goes, so that Postgres tells the end', async () => {
  const id = randomUUID();
  // As a Redis that is out of memory: it refuses what writes, and deletes.
  const user = `refused_${id.slice(0, 8)}`;
  await redis.acl('SETUSER', user, 'on', '>secret', '~*', '+@all', '-eval', '-evalsha');
  const refused = new URL(url);
  refused.username = user;
  refused.password = 'secret';
  const publisher = connect(refused.href);
  await until(async () => (await publisher.check())?.code === 'DENIED', {
    what: 'the publisher is connected',
  });
  await snapshots.publish(snapshot(id, 1));
  assert.equal(await publisher.publish(snapshot(id, 2)), false);
  assert.deepEqual(await snapshots.read(id), { percent: 1 });
  assert.equal(await publisher.publish(snapshot(id, 3, true)), false);
  assert.equal(await snapshots.read(id), null);
  await redis.acl('DELUSER', user);
});

test('what is no snapshot of ours reads as none', async () => {
  const id = randomUUID();
  assert.equal(await snapshots.read(id), null);
  for (const view of ['not json', '[]', 'null', '{"percent":"x"}']) {
    await redis.hset(keyOf(id), 'view', view);
    assert.equal(await snapshots.read(id), null);
  }
  await redis.del(keyOf(id));
  await redis.set(keyOf(id), 'of another type');
  assert.equal(await snapshots.read(id), null);
});

test('with Redis away reads and publishes answer at once and never throw', async (t) => {
  const away = connect('redis://127.0.0.1:1');
  await takesUnder(t, 1_000, async () => {
    assert.equal(await away.read(randomUUID()), null);
    assert.equal(await away.publish(snapshot(randomUUID(), 1)), false);
    assert.equal((await away.check())?.code, 'AWAY');
  });
});
