import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startRedis } from '@rekey/stack';
import { Redis } from 'ioredis';
import { openDoor } from '../harness/door.ts';
import { installation } from '../harness/installation.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';

// Behind one address, as a managed service has it; a Redis of our own, since it is harmed.
const first = await startRedis();
test.after(() => first.stop());
const { port, password } = new URL(first.url);
const admin = new Redis(first.url, { maxRetriesPerRequest: null });
test.after(() => admin.disconnect());
const door = await openDoor(Number(port));
const redis = { url: `redis://:${password}@127.0.0.1:${door.port}`, prefix: '{rekey}' };
const rekey = await installation({ redis, workers: 0 });
const { log } = await workerHere(rekey, rekey.kek);

const warned = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => line.includes('"level":"warn"') && line.includes('Redis'))
    .map((line) => JSON.parse(line));
const linesOfApi = (): string[] =>
  (rekey.apis[0]?.logs() ?? '').split('\n').filter((line) => line.startsWith('{'));
/** It looks once in a while, and says meanwhile what it found; in service it stays throughout. */
async function apiFinds(redis: boolean): Promise<void> {
  const statuses = new Set<number>();
  const finds = async (): Promise<boolean> => {
    const answer = await fetch(`${rekey.apis[0]?.url}/readyz`);
    statuses.add(answer.status);
    const body: unknown = await answer.json();
    return (body as { checks: { redis: boolean } }).checks.redis === redis;
  };
  await until(finds, { what: `the API finds ${redis ? 'Redis well' : 'that Redis refuses'}` });
  assert.deepEqual([...statuses], [200]);
}

async function rotates(t: TestContext, what: string, timeoutMs: number): Promise<void> {
  const { tenantId } = await rekey.seedTenant(34);
  const began = performance.now();
  const { status, body } = await rekey.rotate(tenantId);
  assert.equal(status, 200);
  assert.equal((await rekey.ended(body.data.rotationId, { timeoutMs })).status, 'completed');
  t.diagnostic(`${what}: ${Math.round(performance.now() - began)} ms`);
}

test('a Redis that is refused for a while is said at warn by API and worker, which stay in service, and when it is over', async (t) => {
  await rotates(t, 'before', 20_000);
  await apiFinds(true);
  await admin.config('SET', 'min-replicas-to-write', '1');
  const { tenantId } = await rekey.seedTenant(34);
  const { status, body } = await rekey.rotate(tenantId);
  assert.equal(status, 200);
  await apiFinds(false);
  await until(() => warned(log).length > 0 && warned(linesOfApi()).length > 0, {
    what: 'both say it',
    timeoutMs: 20_000,
  });
  for (const line of [warned(log)[0], warned(linesOfApi())[0]]) {
    assert.match(JSON.stringify(line), /"code":"NO_REPLICAS"/);
    assert.match(JSON.stringify(line), /min-replicas-to-write/);
  }
  assert.equal((await rekey.status(body.data.rotationId)).status, 200);
  await admin.config('SET', 'min-replicas-to-write', '0');
  assert.equal((await rekey.ended(body.data.rotationId)).status, 'completed');
  await until(
    () =>
      [log, linesOfApi()].every((lines) =>
        JSON.stringify(warned(lines).at(-1)).includes('does its part again'),
      ),
    { what: 'both say that it is over' },
  );
  assert.equal(warned(log).length, 2, warned(log).join());
});

test('after a demotion behind the address rotations go on, though the old server answers PING', async (t) => {
  const second = await startRedis();
  t.after(() => second.stop());
  const there = new Redis(second.url, { maxRetriesPerRequest: null });
  await there.config('SET', 'requirepass', decodeURIComponent(password));
  there.disconnect();
  await rotates(t, 'before', 20_000); // every connection has been used
  const before = door.opened();
  door.leadTo(Number(new URL(second.url).port));
  await admin.call('REPLICAOF', '127.0.0.1', '1');
  await rotates(t, 'the first after', 30_000);
  await rotates(t, 'the second after', 10_000);
  assert.ok(door.opened() > before);
  await apiFinds(true);
});
