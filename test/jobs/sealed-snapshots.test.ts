import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { createSnapshots, type PublishedSnapshot } from '@rekey/jobs';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { sealSnapshot, snapshotKeyOf } from '../../packages/jobs/src/snapshot-seal.ts';
import { testIdentity, testRedis } from '../harness/redis.ts';
import { takesUnder } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';

// Whoever can write to Redis, and does not have the key.
const { url, prefix } = testRedis();
const id = 'one';
const identity = await testIdentity(id);
const open = (of = identity) => {
  const made = createSnapshots({ redisUrl: url, prefix, identity: of, onError: () => {} }, (json) => json);
  test.after(() => made.close());
  return made;
};
const snapshots = open();
const redis = new Redis(url);
test.after(() => redis.disconnect());
await until(async () => (await snapshots.check()) === null, { what: 'Redis is connected' });

const keyOf = (rotationId: string): string => `${prefix}:${id}:progress:${rotationId}`;
const snapshot = (given: Partial<PublishedSnapshot<unknown>> = {}): PublishedSnapshot<unknown> => ({
  rotationId: randomUUID(),
  tenantId: randomUUID(),
  version: 7,
  final: false,
  view: { status: 'in_progress' },
  ...given,
});

async function published(given: Partial<PublishedSnapshot<unknown>> = {}) {
  const one = snapshot(given);
  assert.equal(await snapshots.publish(one), true);
  const sealed = (await redis.get(keyOf(one.rotationId))) ?? '';
  assert.deepEqual(await snapshots.read(one), {
    version: one.version,
    final: one.final,
    view: one.view,
  });
  return { ...one, sealed };
}

test('no change to a sealed snapshot goes unseen, whichever byte it is', async () => {
  const { sealed, ...one } = await published();
  const bytes = Buffer.from(sealed);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ change;
      await redis.set(keyOf(one.rotationId), changed);
      const read = await snapshots.read(one);
      // The last character of the seal carries two bits that count for nothing.
      if (read !== null) assert.deepEqual(read, { version: 7, final: false, view: one.view });
    }),
    { numRuns: 300 },
  );
  await redis.set(keyOf(one.rotationId), bytes);
  assert.notEqual(await snapshots.read(one), null);
});

test('a version, an end or a view that somebody else wrote reads as none', async () => {
  const { sealed, ...one } = await published();
  const [version, final, mac, view] = sealed.split(' ');
  for (const forged of [
    `999 ${final} ${mac} ${view}`,
    `${version} 1 ${mac} ${view}`,
    `${version} ${final} ${mac} {"status":"completed"}`,
    `${version} ${final} ${'A'.repeat(43)} ${view}`,
    `${version} ${final}  ${view}`,
    `0${version} ${final} ${mac} ${view}`,
    sealed.slice(0, -1),
    `${sealed} `,
    sealed.slice(1),
    '',
    '{"status":"completed"}',
    `1 1 ${'A'.repeat(43)} ${'['.repeat(60_000)}`,
  ]) {
    await redis.set(keyOf(one.rotationId), forged);
    assert.equal(await snapshots.read(one), null, forged.slice(0, 80));
  }
});

test("a snapshot of another rotation, tenant or installation is not this one's", async () => {
  const { sealed, ...one } = await published({ final: true, view: { status: 'completed' } });
  const other = randomUUID();
  await redis.set(keyOf(other), sealed);
  assert.equal(await snapshots.read({ ...one, rotationId: other }), null);
  assert.equal(await snapshots.read({ ...one, tenantId: randomUUID() }), null);

  const stranger = open(await testIdentity(id)); // the same name, another key
  await until(async () => (await stranger.check()) === null, { what: 'the stranger is connected' });
  assert.equal(await stranger.read(one), null);
  const theirs = snapshot();
  assert.equal(await stranger.publish(theirs), true);
  assert.equal(await snapshots.read(theirs), null);
});

test('what an earlier version of this program left there, or would read of ours, does no harm to either', async () => {
  const one = snapshot();
  await redis.hset(keyOf(one.rotationId), { version: 9, final: 1, view: '{"status":"completed"}' });
  assert.equal(await snapshots.read(one), null);
  assert.equal(await snapshots.publish(one), false, 'it refuses, and does not throw');
  const { rotationId } = await published();
  // The earlier reader, to the letter.
  const json = await redis.hget(keyOf(rotationId), 'view').catch(() => null);
  assert.equal(json, null);
});

test('however much stands there, no more than a snapshot is read', async (t) => {
  const { sealed, ...one } = await published();
  await redis.set(keyOf(one.rotationId), `${sealed}${'x'.repeat(64 * 2 ** 20)}`);
  await takesUnder(t, 1_500, async () => {
    for (let i = 0; i < 50; i += 1) assert.equal(await snapshots.read(one), null);
  });
  await redis.del(keyOf(one.rotationId));
});

test('until it is known which installation this is, nothing is read or published', async () => {
  const { sealed: _sealed, ...one } = await published();
  const nobody = open({ known: () => null, get: () => Promise.reject(new Error('Postgres is away')) });
  await until(async () => (await nobody.check()) === null, { what: 'it is connected' });
  assert.equal(await nobody.read(one), null);
  assert.equal(await nobody.publish(snapshot()), false);
});

test('what a later version added is read on with; what it changed is none, so that Postgres is asked', async () => {
  const added = { status: 'in_progress', later: { deep: [1] } };
  const { sealed } = await published({ view: added });
  assert.ok(sealed.includes('"format":1'));
  const changed = snapshot({ view: { format: 2, status: 7 } });
  assert.equal(await snapshots.publish(changed), true);
  assert.equal(await snapshots.read(changed), null);
  // Versions before there was one wrote none.
  const one = snapshot();
  const { rotationId, tenantId, version, final } = one;
  const key = snapshotKeyOf((await identity.get()).snapshotKey);
  const old = sealSnapshot(key, { rotationId, tenantId, version, final, view: '{"status":"paused"}' });
  await redis.set(keyOf(rotationId), old);
  assert.deepEqual((await snapshots.read(one))?.view, { status: 'paused' });
});
