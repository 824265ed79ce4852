import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Owner } from '../harness/cleanup.ts';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { firstValue } from '../harness/seed.ts';
import { sums, sweepFacts } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url, workers: 0, workerEnv: { BATCH_SIZE: '10' } });
/** How many attempts each job in the queues has spent. */
async function attemptsSpent(): Promise<number[]> {
  const redis = new Redis(rekey.redis.url);
  const spent: number[] = [];
  for (const pattern of ['rotations:rotate-*', 'ranges:range-*'])
    for (const key of await redis.keys(`${rekey.keys}:${pattern}`))
      if ((await redis.type(key)) === 'hash') spent.push(Number((await redis.hget(key, 'atm')) ?? 0));
  redis.disconnect();
  return spent;
}

async function inItsMidst(rotationId: string, atLeast: number): Promise<void> {
  await until(async () => sums((await rekey.status(rotationId)).body.data).rotated >= atLeast, {
    what: 'the sweep is in its midst',
    everyMs: 5,
  });
}

for (const [kind, records] of [
  ['swept by one job', 5_000],
  ['spread over the queue', 12_000],
] as const) {
  test(`SIGTERM in mid-sweep (${kind}): exit 0 before its work is done, no attempt spent, and the next worker goes on with exact counts`, async (t) => {
    const tenant = await rekey.seedTenant(records);
    const first = await rekey.addWorker();
    const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
    await inItsMidst(rotationId, 300);

    const ownedRanges = async (): Promise<number | null> =>
      (
        await pool.query(
          'select from rekey.rotation_ranges where rotation_id = $1 and owner is not null and proved_at is null',
          [rotationId.slice(4)],
        )
      ).rowCount;
    const began = performance.now();
    first.kill('SIGTERM');
    await until(async () => (await ownedRanges()) === 0, {
      what: 'others may have its ranges',
      everyMs: 5,
    });
    const handedOverMs = performance.now() - began;
    assert.deepEqual(await first.exited, { code: 0, signal: null });
    const ms = performance.now() - began;
    const left = await rekey.leftOnOlderKeys(tenant.tenantId);
    assert.ok(left > 0, 'it had finished before');
    const spent = await attemptsSpent();
    assert.ok(spent.length > 0, 'the jobs were handed back to the queue');
    assert.deepEqual(
      spent.filter((attempts) => attempts > 0),
      [],
    );
    const owners = await pool.query(
      'select from rekey.rotation_ranges where rotation_id = $1 and owner is not null',
      [rotationId.slice(4)],
    );
    assert.equal(owners.rowCount, 0, 'its ranges are free at once');

    const resumed = performance.now();
    await rekey.addWorker({ BATCH_SIZE: '500' });
    const ended = await rekey.ended(rotationId);
    t.diagnostic(
      `others may have its ranges ${Math.round(handedOverMs)} ms after SIGTERM, stopped in ${Math.round(ms)} ms with ${left} of ${records} left; the next worker ended it ` +
        `${Math.round(performance.now() - resumed)} ms after it was started`,
    );
    assert.equal(ended.status, 'completed');
    assert.deepEqual(sums(ended), {
      rotated: records,
      superseded: 0,
      failed: 0,
      remaining: 0,
      all: records,
    });
    const facts = await sweepFacts(pool, rotationId);
    assert.deepEqual(facts, { sealed: records, rotated: records, passes: 1, unproved: 0 });
    assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
    const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
    assert.deepEqual(wrong(await openAll(rekey, tenant.tenantId), values), []);
  });
}

// Status 0 and "closed" are of one that was in time by its own clock: its deadline ends it with 1 and another word.
test('a worker whose statement hangs still exits 0 after SIGTERM, while it hangs', async (t) => {
  const { tenantId } = await rekey.seedTenant(17);
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  await hold(t, rotationId);
  const worker = await rekey.addWorker();
  await hangs();
  const began = performance.now();
  worker.kill('SIGTERM');
  const exit = await worker.exited;
  t.diagnostic(`${Math.round(performance.now() - began)} ms`);
  assert.deepEqual(exit, { code: 0, signal: null });
  assert.match(worker.logs(), /"msg":"closed"/);
  assert.equal(await isHeld(rotationId), true, 'what it hung on is still in its way');
});

test('a second signal ends a worker at once', async (t) => {
  const { tenantId } = await rekey.seedTenant(17);
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  await hold(t, rotationId);
  const worker = await rekey.addWorker();
  await hangs();
  worker.kill('SIGTERM');
  await until(() => worker.logs().includes('"msg":"closing"'), { what: 'it is closing' });
  worker.kill('SIGTERM'); // as npm passes on what the whole group has got: an echo
  await sleep(700);
  assert.ok(!worker.logs().includes('"msg":"closed"'), 'it is still closing');
  worker.kill('SIGTERM');
  assert.deepEqual(await worker.exited, { code: 143, signal: null });
});

/** Locks a rotation's row until the test is over, so that the worker's next statement about it hangs. */
async function hold(owner: Owner, rotationId: string): Promise<void> {
  const client = await pool.connect();
  owner.after(async () => client.release(true));
  await client.query('begin');
  await client.query('select from rekey.rotations where id = $1 for update', [rotationId.slice(4)]);
}

async function isHeld(rotationId: string): Promise<boolean> {
  const free = await pool.query('select from rekey.rotations where id = $1 for update skip locked', [
    rotationId.slice(4),
  ]);
  return free.rowCount === 0;
}

async function hangs(): Promise<void> {
  await until(
    async () =>
      (
        await pool.query(
          `select from pg_stat_activity where datname = current_database() and application_name = 'rekey-worker' and wait_event_type = 'Lock'`,
        )
      ).rowCount !== 0,
    { what: "the worker's statement hangs" },
  );
}
