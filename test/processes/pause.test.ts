import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startApplication } from '../harness/application.ts';
import { createTestDatabase } from '../harness/database.ts';
import { installation, type StatusData } from '../harness/installation.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { randomFrom } from '../harness/random.ts';
import { firstValue, type SeededTenant } from '../harness/seed.ts';
import { sums } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const pool = database.pool();
// Small batches, so that a sweep lasts long enough to be met in its midst. A worker that a test starts ends with it.
const rekey = await installation({ databaseUrl: database.url, workers: 1, workerEnv: { BATCH_SIZE: '50' } });

const steer = async (what: 'pause' | 'resume' | 'cancel' | 'retry', rotationId: string, body?: object) => {
  const answer = await fetch(`${rekey.apis[0]?.url}/api/v1/admin/dek/rotations/${rotationId}/${what}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${rekey.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const said = (await answer.json()) as {
    data?: StatusData & { waitingDetail: { what: string } | null; retryOf: string | null };
    error?: { code: string };
  };
  return { status: answer.status, data: said.data, code: said.error?.code };
};

const stateOf = async (rotationId: string): Promise<StatusData> => (await rekey.status(rotationId)).body.data;
const rotated = async (rotationId: string): Promise<number> => sums(await stateOf(rotationId)).rotated;

/** A rotation that is met in the midst of its sweep. */
async function sweeping(tenant: SeededTenant, atLeast = 500): Promise<string> {
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  await until(async () => (await rotated(rotationId)) >= atLeast, {
    what: 'the sweep is in its midst',
    everyMs: 5,
  });
  return rotationId;
}

async function allOpen(tenant: SeededTenant, expected?: Iterable<readonly [string, Buffer]>): Promise<void> {
  const values =
    expected ?? tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(rekey, tenant.tenantId), values), []);
  assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
}

test('a paused rotation stands still within a batch, keeps its tenant, lets the application work, and goes on when resumed', async () => {
  const tenant = await rekey.seedTenant(8_500);
  const application = startApplication(rekey, tenant);
  const rotationId = await sweeping(tenant);

  const paused = await steer('pause', rotationId, { reason: 'the shop is busy' });
  assert.deepEqual([paused.status, paused.data?.status, paused.data?.phase], [200, 'paused', 'sweeping']);
  assert.match(paused.data?.waitingDetail?.what ?? '', /^paused by .+: the shop is busy$/);
  const at = await rotated(rotationId);
  const generationsOf = async () =>
    (await pool.query(`select version, progress from rekey.rotations where id = $1`, [rotationId.slice(4)]))
      .rows;
  const stood = await generationsOf();
  const writes = application.seen.writes;
  await sleep(3_000); // longer than it takes recovery to look for what nobody gives a sign of life for
  assert.equal(await rotated(rotationId), at);
  assert.deepEqual(await generationsOf(), stood);
  assert.ok(application.seen.writes > writes + 10, 'the application works');
  const { status: state, percentComplete } = await stateOf(rotationId);
  assert.equal(state, 'paused');

  assert.equal((await rekey.rotate(tenant.tenantId)).status, 409);
  assert.equal((await steer('pause', rotationId)).status, 200, 'once more changes nothing');
  assert.deepEqual(await generationsOf(), stood);

  const resumed = await steer('resume', rotationId);
  assert.deepEqual([resumed.status, resumed.data?.status], [200, 'in_progress']);
  assert.ok((resumed.data?.percentComplete ?? 0) >= percentComplete);
  assert.equal((await steer('resume', rotationId)).status, 200);
  assert.equal((await rekey.ended(rotationId)).status, 'completed');
  await application.stop();
  assert.deepEqual([application.seen.errors, application.seen.lost], [[], []]);
  await allOpen(tenant, application.expected());

  for (const what of ['pause', 'resume', 'cancel'] as const) {
    const { status, code } = await steer(what, rotationId);
    assert.deepEqual([status, code], [409, 'ROTATION_FINISHED'], what);
  }
  const { rows } = await pool.query(
    `select kind, payload ->> 'reason' as reason, actor ->> 'kind' as who from rekey.events
     where rotation_id = $1 and kind in ('rotation.paused', 'rotation.resumed') order by sequence`,
    [rotationId.slice(4)],
  );
  assert.deepEqual(rows, [
    { kind: 'rotation.paused', reason: 'the shop is busy', who: 'user' },
    { kind: 'rotation.resumed', reason: null, who: 'user' },
  ]);
});

test('paused before its switch it stays queued and switches nothing; cancelled, it frees the tenant', async () => {
  const [worker] = rekey.workers;
  await worker?.stop();
  const tenant = await rekey.seedTenant(34);
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  assert.equal((await steer('pause', rotationId)).data?.phase, 'queued');
  await rekey.addWorker();
  await sleep(2_000);
  const { status, phase } = await stateOf(rotationId);
  assert.deepEqual([status, phase], ['paused', 'queued']);
  assert.equal((await steer('cancel', rotationId, { reason: 'not today' })).data?.status, 'cancelled');
  assert.equal((await steer('cancel', rotationId)).status, 200);

  const next = (await rekey.rotate(tenant.tenantId)).body.data.rotationId;
  assert.equal((await rekey.ended(next)).status, 'completed');
  await allOpen(tenant);
});

test('the worker dies while it is paused: another one goes on', async () => {
  const worker = await rekey.addWorker();
  const tenant = await rekey.seedTenant(3_400);
  const rotationId = await sweeping(tenant, 200);
  await steer('pause', rotationId);
  worker.kill('SIGKILL');
  await worker.exited;
  await steer('resume', rotationId);
  await rekey.addWorker();
  assert.equal((await rekey.ended(rotationId, { timeoutMs: 60_000 })).status, 'completed');
  await allOpen(tenant);
});

test('a retry sweeps what a cancel in mid-sweep left, beside the application, though its worker dies', async () => {
  const worker = await rekey.addWorker();
  const tenant = await rekey.seedTenant(8_500);
  const application = startApplication(rekey, tenant);
  const first = await sweeping(tenant);
  assert.equal((await steer('retry', first)).code, 'ROTATION_IN_PROGRESS');
  const cancelled = await steer('cancel', first);
  const left = sums(cancelled.data as StatusData);

  const answer = await steer('retry', first, { reason: 'the shop is quiet' });
  const retry = answer.data?.rotationId ?? '';
  assert.deepEqual(
    [answer.status, answer.data?.retryOf, answer.data?.newKeyId],
    [200, first, cancelled.data?.newKeyId],
  );
  assert.equal((await steer('retry', first)).data?.rotationId, retry, 'once more is the same');
  const busy = await rekey.rotate(tenant.tenantId);
  assert.deepEqual([busy.status, busy.body.error.rotationId], [409, retry]);
  await until(async () => (await rotated(retry)) >= 200, { what: 'the retry is in its midst', everyMs: 5 });
  worker.kill('SIGKILL');
  await worker.exited;
  await rekey.addWorker();
  const ended = await rekey.ended(retry, { timeoutMs: 60_000 });
  await application.stop();
  assert.deepEqual([application.seen.errors, application.seen.lost], [[], []]);
  await allOpen(tenant, application.expected());
  const { rotated: swept, all } = sums(ended);
  assert.deepEqual([ended.status, ended.percentComplete], ['completed', 100]);
  assert.ok(swept > 0 && swept <= 8_500 - left.rotated, `${swept} of ${all}`);
  assert.deepEqual((await stateOf(first)).status, 'cancelled');
  assert.equal((await steer('retry', retry)).code, 'ROTATION_FINISHED');
});

test('after any sequence of calls the counts add up and nothing is lost', async (t) => {
  await rekey.addWorker();
  const random = randomFrom(Number(process.env.PAUSE_SEED ?? 2026));
  const tenant = await rekey.seedTenant(5_100);
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  const calls: string[] = [];
  for (let n = 0; n < 50; n += 1) {
    const what = random() < 0.5 ? 'pause' : 'resume';
    const { status, data } = await steer(what, rotationId);
    calls.push(`${what} ${status}`);
    if (status === 409) break;
    assert.equal(data?.status, what === 'pause' ? 'paused' : 'in_progress');
    await sleep(random() * 60);
  }
  await steer('resume', rotationId);
  const ended = await rekey.ended(rotationId, { timeoutMs: 60_000 });
  t.diagnostic(`${calls.length} calls`);
  assert.equal(ended.status, 'completed');
  const { rotated: swept, all } = sums(ended);
  assert.deepEqual([swept, all, ended.percentComplete], [5_100, 5_100, 100]);
  await allOpen(tenant);
});

test('a reason that could not be kept is refused', async () => {
  await rekey.addWorker();
  const { rotationId } = (await rekey.rotate((await rekey.seedTenant(17)).tenantId)).body.data;
  for (const reason of ['', 'x'.repeat(501), 'a\nb', 'a\0b', '\ud800', 7, null])
    assert.equal((await steer('pause', rotationId, { reason })).status, 400, JSON.stringify(reason));
  await rekey.ended(rotationId);
});
