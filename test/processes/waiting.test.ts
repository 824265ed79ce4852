import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KmsError } from '@rekey/kms';
import { createTestDatabase } from '../harness/database.ts';
import { installation, type StatusData } from '../harness/installation.ts';
import { troubledKek } from '../harness/kek.ts';
import { contradictions, poll } from '../harness/poller.ts';
import { firstValue } from '../harness/seed.ts';
import { sums } from '../harness/sweep-facts.ts';
import { takesUnder } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';
import { wireTo } from '../harness/wire.ts';
import { workerHere } from '../harness/worker-here.ts';

const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url, workers: 0 });

const waitsFor = (rotationId: string, what: string): Promise<StatusData> =>
  until(
    async () => {
      const { data } = (await rekey.status(rotationId)).body;
      return data.waitingFor === what ? data : undefined;
    },
    { what: `waitingFor ${what}` },
  );

test('without a worker a rotation says that it waits for one', async () => {
  const { tenantId } = await rekey.seedTenant(17);
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  const waiting = await waitsFor(rotationId, 'worker');
  assert.deepEqual([waiting.status, waiting.phase, waiting.percentComplete], ['in_progress', 'queued', 0]);
  assert.equal((await rekey.cancel(rotationId)).status, 200);
});

test('a KMS that is away is waited for, whatever the phase, and says so', async (t) => {
  const { tenantId } = await rekey.seedTenant(17);
  const kek = troubledKek(rekey.kek);
  await workerHere(rekey, kek, t);
  kek.trouble = () => new KmsError('UNAVAILABLE', 'the KMS does not answer');
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  const poller = poll(rekey, rotationId);
  const waiting = await waitsFor(rotationId, 'kms');
  assert.deepEqual([waiting.status, waiting.phase], ['in_progress', 'activating']);
  const before = kek.calls;
  await until(() => kek.calls >= before + 2, { what: 'it is tried again' });
  kek.trouble = null;
  const back = performance.now();
  const ended = await rekey.ended(rotationId);
  t.diagnostic(`completed ${Math.round(performance.now() - back)} ms after the KMS was back`);
  await poller.stop();
  assert.deepEqual([ended.status, ended.waitingFor], ['completed', null]);
  assert.deepEqual(contradictions(poller.answers.map(({ body }) => body.data)), []);
});

test('a KMS that fails right after the switch stops neither the sweep nor a warm reader', async (t) => {
  const { tenantId, records } = await rekey.seedTenant(34);
  const kek = troubledKek(rekey.kek);
  await workerHere(rekey, kek, t);
  const holder = await pool.connect();
  await holder.query('begin');
  const [held] = records.filter(({ target }) => target === 'secrets');
  assert.ok(held);
  await holder.query('select from secrets where id = $1 for update', [held.id]);
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  await waitsFor(rotationId, 'lock'); // so the switch is behind us, and the sweep before us
  kek.trouble = () => new KmsError('UNAVAILABLE', 'the KMS does not answer');
  await holder.query('commit');
  holder.release();
  assert.equal((await rekey.ended(rotationId)).status, 'completed');
  assert.ok((await rekey.vault.get({ ...held, tenantId }))?.equals(firstValue(held.id)));
});

test('a locked record is left out, waited for, and swept when it is free; who holds it is not disturbed', async (t) => {
  const { tenantId, records } = await rekey.seedTenant(170);
  await rekey.addWorker();
  const [held] = records.filter(({ target }) => target === 'credentials');
  assert.ok(held);
  const application = await rekey.store.connect();
  t.after(async () => application.release(true));
  await application.query('begin');
  await application.query('select from credentials where id = $1 for update', [held.id]);
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  const poller = poll(rekey, rotationId);
  await waitsFor(rotationId, 'lock');
  await until(
    async () => {
      const data = (await rekey.status(rotationId)).body.data;
      return data.itemsRotated.credentials === 49 ? data : undefined;
    },
    { what: 'the rest of its range is swept' },
  );
  await until(
    async () =>
      Number(
        (await pool.query('select version from rekey.rotations where id = $1', [rotationId.slice(4)])).rows[0]
          .version,
      ) >= 5,
    { what: 'it has said so several times' },
  );
  // Meanwhile the application goes on with what it holds.
  const value = Buffer.from('written while the sweep waits');
  await rekey.vault.put({ ...held, tenantId, value, client: application });
  await application.query('commit');
  const ended = await rekey.ended(rotationId);
  await poller.stop();
  assert.deepEqual([ended.status, ended.waitingFor], ['completed', null]);
  assert.deepEqual(sums(ended), { rotated: 169, superseded: 1, failed: 0, remaining: 0, all: 170 });
  assert.ok((await rekey.vault.get({ ...held, tenantId }))?.equals(value));
  assert.equal(await rekey.leftOnOlderKeys(tenantId), 0);
  assert.deepEqual(contradictions(poller.answers.map(({ body }) => body.data)), []);
});

test('a writer that keeps its transaction open holds up the proof, not other writers, and is not disturbed', async (t) => {
  const { tenantId, records } = await rekey.seedTenant(17);
  await rekey.addWorker();
  const [one, other] = records.filter(({ target }) => target === 'secrets');
  assert.ok(one && other);
  const application = await rekey.store.connect();
  t.after(async () => application.release(true));
  await application.query('begin');
  await rekey.vault.put({ ...one, tenantId, value: Buffer.from('open'), client: application });
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  const waiting = await waitsFor(rotationId, 'lock');
  assert.equal(waiting.phase, 'sweeping');
  const put = (): Promise<unknown> =>
    rekey.vault.put({ ...other, tenantId, value: Buffer.from('beside it') });
  t.diagnostic(`a write while the rotation waits took ${Math.round(await takesUnder(t, 1_500, put))} ms`);
  await application.query('commit');
  assert.equal((await rekey.ended(rotationId)).status, 'completed');
  assert.equal((await rekey.vault.get({ ...one, tenantId }))?.toString(), 'open');
  assert.equal(await rekey.leftOnOlderKeys(tenantId), 0);
});

test('with Postgres away the API answers 503 at once, and the worker goes on where it was when it is back', async (t) => {
  const own = await createTestDatabase(t);
  const wire = await wireTo(own.url, t);
  const away = await installation({ databaseUrl: wire.url, workerEnv: { BATCH_SIZE: '10' } }, t);
  const { tenantId } = await away.seedTenant(4_000);
  const { rotationId } = (await away.rotate(tenantId)).body.data;
  await until(async () => sums((await away.status(rotationId)).body.data).rotated > 100, {
    what: 'the sweep is in its midst',
  });
  await wire.cut();
  for (const call of [() => away.rotate(tenantId), () => away.cancel(rotationId)]) {
    await takesUnder(t, 1_500, async () => {
      const answer = await until(
        async () => {
          const { status } = await call();
          return status === 200 ? undefined : status; // a status may still come from Redis
        },
        { what: 'an answer without Postgres' },
      );
      assert.equal(answer, 503);
    });
  }
  // When the live snapshot is old news, Postgres would be asked.
  await until(async () => (await away.status(rotationId)).status === 503, { what: 'a status of 503' });
  await wire.mend();
  const ended = await away.ended(rotationId);
  assert.equal(ended.status, 'completed');
  assert.deepEqual(sums(ended), { rotated: 4_000, superseded: 0, failed: 0, remaining: 0, all: 4_000 });
  assert.equal(await away.leftOnOlderKeys(tenantId), 0);
});
