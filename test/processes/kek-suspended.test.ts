import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKeks, type Kek, KmsError } from '@rekey/kms';
import { kekSuspendedMs } from '@rekey/times';
import { createVault } from '@rekey/vault';
import { pauseMs } from '../../apps/worker/src/put-off.ts';
import { createTestDatabase } from '../harness/database.ts';
import { installation, type StatusData } from '../harness/installation.ts';
import { testKek, troubledKek } from '../harness/kek.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { firstValue, type SeededTenant, seedTenant } from '../harness/seed.ts';
import { upToThreeTimes } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';

const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url, workers: 0 });
const theirs = await testKek();
const suspendedMs = { first: 200, max: 1_600 };

/** A tenant whose DEK is under another KEK than the installation's. */
async function tenantUnder(kek: Kek, records: number): Promise<SeededTenant> {
  const vault = createVault({ store: rekey.store, kek: createKeks(kek, rekey.kek), prefetch: false });
  try {
    return await seedTenant(vault, records);
  } finally {
    await vault.close();
  }
}

type Waiting = StatusData & { readonly waitingDetail: { what: string; since: string; todo: string } };

const suspended = (rotationId: string): Promise<Waiting> =>
  until(
    async () => {
      const { data } = (await rekey.status(rotationId)).body;
      assert.equal(data.status, 'in_progress');
      return data.waitingFor === 'kek_suspended' ? (data as Waiting) : undefined; // it has a detail then
    },
    { what: 'waitingFor kek_suspended' },
  );

test('a KEK that is disabled is asked for ever more seldom; enabled again, the rotation goes on by itself', async (t) => {
  const { tenantId, records } = await rekey.seedTenant(17);
  const kek = troubledKek(rekey.kek);
  const { log } = await workerHere(rekey, kek, t, { suspendedMs });
  const asked: number[] = [];
  kek.trouble = () => {
    asked.push(performance.now());
    return new KmsError('DENIED', 'the KMS refuses', { kekId: rekey.kek.id });
  };
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  const first = await suspended(rotationId);
  assert.ok(first.waitingDetail.what.includes(rekey.kek.id));
  await until(() => asked.length >= 5, { what: 'it was asked for again', timeoutMs: 20_000 });
  const { waitingDetail } = await suspended(rotationId);
  assert.deepEqual(waitingDetail, first.waitingDetail);
  const pauses = asked.slice(1).map((at, i) => Math.round(at - (asked[i] ?? 0)));
  t.diagnostic(`pauses: ${pauses.join(', ')} ms`);
  // From 200 ms on, and then as long as it has waited already: three pauses are 480 ms at the least, the next four fifths of it.
  assert.ok(pauses.every((ms) => ms >= 160) && (pauses.at(-1) ?? 0) >= 380, `${pauses}`);
  const said = (line: string): boolean =>
    line.includes('rotation waits') && line.includes('"waitingFor":"kek_suspended"');
  await until(() => log.some(said), { what: 'it is in the log' });
  kek.trouble = null;
  const ended = await rekey.ended(rotationId);
  assert.deepEqual([ended.status, ended.waitingFor, ended.failureReason], ['completed', null, null]);
  const values = records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(rekey, tenantId), values), []);
});

test('where one worker is refused and another one lacks the KEK, it is the refusal that is told, since when it began, and that ends it', async (t) => {
  const { tenantId } = await tenantUnder(theirs, 17);
  const kek = troubledKek(theirs);
  const asked: number[] = [];
  kek.trouble = () => {
    asked.push(performance.now());
    return new KmsError('DENIED', 'the KMS refuses', { kekId: theirs.id });
  };
  await workerHere(rekey, createKeks(rekey.kek, kek), t, { suspendedMs });
  const { log } = await workerHere(rekey, rekey.kek, t, { suspendedMs });
  const lacks = (): number =>
    log.filter(
      (line) => line.includes('rotation waits') && line.includes(rotationId) && line.includes('NOT_HELD'),
    ).length;
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  const first = await suspended(rotationId);
  // Between its looks the other one hands on what it lacks the KEK for.
  await until(() => lacks() >= 2, { what: 'the other worker has met it twice' });
  const { length } = asked;
  await until(() => asked.length >= length + 2, { what: 'it was asked for again' });
  const { waitingDetail } = await suspended(rotationId);
  assert.deepEqual(waitingDetail, first.waitingDetail);
  assert.ok(waitingDetail.what.includes(theirs.id));
  await pool.query(
    `update rekey.rotations set started_at = started_at - interval '25 hours',
       phase_times = jsonb_set(phase_times, '{activating}', to_jsonb((phase_times ->> 'activating')::timestamptz - interval '25 hours'))
     where id = $1`,
    [rotationId.slice(4)],
  );
  const ended = await rekey.ended(rotationId);
  assert.deepEqual([ended.status, ended.failureReason], ['failed', 'KEK_DENIED']);
});

/** A rotation after its switch, whose sweep waits for a record that a transaction holds. */
async function switchedAndHeld(
  t: TestContext,
  tenantId: string,
  records: readonly { readonly target: string; readonly id: string }[],
) {
  const holder = await pool.connect();
  t.after(() => holder.release(true));
  await holder.query('begin');
  const [held] = records.filter(({ target }) => target === 'secrets');
  await holder.query('select from secrets where id = $1 for update', [held?.id]);
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  await until(async () => (await rekey.status(rotationId)).body.data.waitingFor === 'lock', {
    what: 'it has switched',
  });
  return { rotationId, holder };
}

test('and after the switch: of a range that both have tried in turn', async (t) => {
  const { tenantId, records } = await tenantUnder(theirs, 17);
  const kek = troubledKek(theirs);
  const both = createKeks(rekey.kek, kek);
  const first = await workerHere(rekey, both, t);
  const { rotationId, holder } = await switchedAndHeld(t, tenantId, records);
  await first.close();
  kek.trouble = () => new KmsError('DENIED', 'the KMS refuses', { kekId: theirs.id });
  await workerHere(rekey, createKeks(rekey.kek, kek), t, { suspendedMs });
  await holder.query('commit');
  const begun = await suspended(rotationId);
  const { log } = await workerHere(rekey, rekey.kek, t, { suspendedMs });
  await until(() => log.some((line) => line.includes('rotation waits') && line.includes(rotationId)), {
    what: 'the other worker has met it',
  });
  const { calls } = kek;
  await until(() => kek.calls >= calls + 2, { what: 'it was asked for twice more' });
  assert.deepEqual((await suspended(rotationId)).waitingDetail, begun.waitingDetail);
  kek.trouble = null;
  assert.equal((await rekey.ended(rotationId)).status, 'completed');
});

for (const code of ['DENIED', 'NOT_FOUND'] as const)
  test(`after its switch a rotation never ends because of ${code}`, async (t) => {
    const { tenantId, records } = await rekey.seedTenant(17);
    const first = await workerHere(rekey, rekey.kek, t);
    const { rotationId, holder } = await switchedAndHeld(t, tenantId, records);
    await first.close();
    const kek = troubledKek(rekey.kek);
    kek.trouble = () => new KmsError(code, 'not ours', { kekId: rekey.kek.id });
    await workerHere(rekey, kek, t, { suspendedMs });
    await holder.query('commit');
    await suspended(rotationId);
    await pool.query(
      `update rekey.rotations set started_at = started_at - interval '3 days',
       phase_times = jsonb_set(phase_times, '{activating}', to_jsonb((phase_times ->> 'activating')::timestamptz - interval '3 days'))
     where id = $1`,
      [rotationId.slice(4)],
    );
    const { calls } = kek;
    await until(() => kek.calls >= calls + 2, { what: 'it was asked for twice more', timeoutMs: 20_000 });
    await suspended(rotationId);
    kek.trouble = null;
    assert.equal((await rekey.ended(rotationId)).status, 'completed');
  });

/** Slowed down so that it takes far longer than a worker may use a DEK without its KEK. */
async function slowSweep(t: TestContext, dekAge: number, items: number) {
  const { tenantId, records } = await rekey.seedTenant(items);
  const kek = troubledKek(rekey.kek);
  const config = {
    DEK_AGE_MAX_SECONDS: dekAge,
    DEK_AGE_MAX_SECONDS_WHILE_AWAY: 600,
    ITEMS_PER_SECOND_MAX: 100,
    BATCH_SIZE: 20,
  };
  const { close } = await workerHere(rekey, kek, t, { suspendedMs, config });
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  const done = async (): Promise<number> => {
    const { itemsRotated } = (await rekey.status(rotationId)).body.data;
    return Object.values(itemsRotated).reduce((sum, n) => sum + n, 0);
  };
  await until(async () => (await done()) >= 100, { what: 'it sweeps' });
  return { tenantId, records, kek, rotationId, done, close };
}

test('a KEK that refuses in the midst of a sweep ends its DEKs in the worker too, and it goes on when it is given back', async (t) => {
  const { tenantId, records, kek, rotationId, done } = await slowSweep(t, 1, 1_000);
  kek.trouble = () => new KmsError('DENIED', 'the KMS refuses', { kekId: rekey.kek.id });
  await suspended(rotationId);
  const stoodAt = await done();
  assert.ok(stoodAt < records.length, `${stoodAt}`);
  await sleep(1_000);
  assert.ok((await done()) <= stoodAt + 20, 'nothing goes on');
  kek.trouble = null;
  const ended = await rekey.ended(rotationId);
  assert.deepEqual([ended.status, ended.waitingFor], ['completed', null]);
  const values = records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(rekey, tenantId), values), []);
});

test('a KMS that is away in the midst of a sweep does not hold it up for as long as the worker may go on without', (t) =>
  upToThreeTimes(t, async () => {
    // A process that stands still for half of the age has no DEK left, and this KMS does not come back.
    const { kek, rotationId, close } = await slowSweep(t, 8, 2_000);
    kek.trouble = () => new KmsError('UNAVAILABLE', 'the KMS is away', { kekId: rekey.kek.id });
    const { calls } = kek;
    let waited: string | null = null;
    await until(
      async () => {
        const { data } = (await rekey.status(rotationId)).body;
        waited ??= data.waitingFor;
        return waited !== null || data.completedAt !== null;
      },
      { what: 'it has ended, or waits', timeoutMs: 60_000 },
    );
    kek.trouble = null;
    assert.equal((await rekey.ended(rotationId)).status, 'completed');
    // Another try is this worker's with its KEK no more.
    await close();
    assert.equal(waited, null);
    assert.ok(kek.calls > calls, 'it was asked for meanwhile');
  }));

test('while it is put off for long the status goes on saying so, and its job is not taken for lost', async (t) => {
  const { tenantId } = await rekey.seedTenant(17);
  const kek = troubledKek(rekey.kek);
  await workerHere(rekey, kek, t, { suspendedMs: { first: 60_000, max: 60_000 } });
  kek.trouble = () => new KmsError('DENIED', 'the KMS refuses');
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  await suspended(rotationId);
  const { calls } = kek;
  // As if it had been silent for so long: 12 s are enough for what waits for something else, 20 for the status.
  await pool.query(
    `update rekey.rotations set heartbeat_at = heartbeat_at - interval '5 minutes' where id = $1`,
    [rotationId.slice(4)],
  );
  const until4s = performance.now() + 4_000; // longer than recovery takes to look, and a snapshot to lapse
  await until(() => performance.now() > until4s, { what: 'time has passed' });
  await suspended(rotationId);
  assert.equal(kek.calls, calls);
  assert.equal((await rekey.cancel(rotationId)).status, 200);
});

test('pauses double from 30 s to 10 min, and are at most a fifth shorter', () => {
  const minutes = (n: number): number => n * 60_000;
  for (const [since, full] of [
    [0, minutes(0.5)],
    [minutes(0.5), minutes(0.5)],
    [minutes(4), minutes(4)],
    [minutes(600), minutes(10)],
  ] as const) {
    assert.equal(
      pauseMs(since, kekSuspendedMs, () => 1),
      full,
    );
    assert.equal(
      pauseMs(since, kekSuspendedMs, () => 0),
      full * 0.8,
    );
  }
});
