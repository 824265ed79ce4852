import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { firstValue, type SeededTenant } from '../harness/seed.ts';
import { total } from '../harness/sweep-facts.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const pool = database.pool();
// Small batches, so that a sweep lasts long enough to be met in its midst.
const rekey = await installation({ databaseUrl: database.url, workers: 0, workerEnv: { BATCH_SIZE: '5' } });

const values = ({ records }: SeededTenant) =>
  records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);

const allOpen = async (tenant: SeededTenant): Promise<void> =>
  assert.deepEqual(wrong(await openAll(rekey, tenant.tenantId), values(tenant)), []);

async function keysOf(tenantId: string): Promise<Array<{ state: string; material: boolean }>> {
  const found = await pool.query<{ state: string; material: boolean }>(
    `select d.state, m.dek_id is not null as material
     from rekey.deks d left join rekey.dek_material m on m.dek_id = d.id where tenant_id = $1 order by key_number`,
    [tenantId],
  );
  return found.rows;
}

/** Cancels and asserts that it took effect, also for those who poll, and waited for no worker. */
async function cancelInTime(rotationId: string, msMax = 5_000): Promise<number> {
  const began = performance.now();
  const answer = await rekey.cancel(rotationId);
  assert.equal(answer.status, 200);
  assert.equal(answer.body.data.status, 'cancelled');
  assert.equal((await rekey.status(rotationId)).body.data.status, 'cancelled');
  const ms = performance.now() - began;
  assert.ok(ms < msMax, `${ms} ms`);
  return ms;
}

async function sweepingInEarnest(rotationId: string, atLeast: number): Promise<void> {
  await until(async () => total((await rekey.status(rotationId)).body.data.itemsRotated) >= atLeast, {
    what: 'the sweep is in its midst',
    everyMs: 5,
  });
}

test('cancelled before any worker saw it: the new DEK is destroyed unused, the tenant is free, the next one completes', async (t) => {
  const tenant = await rekey.seedTenant(34);
  const first = (await rekey.rotate(tenant.tenantId)).body.data;
  await cancelInTime(first.rotationId);
  assert.deepEqual(await keysOf(tenant.tenantId), [
    { state: 'active', material: true },
    { state: 'destroyed', material: false },
  ]);
  await allOpen(tenant);
  const again = await rekey.cancel(first.rotationId);
  assert.deepEqual([again.status, again.body.data.status], [200, 'cancelled']); // once is enough

  const next = await rekey.rotate(tenant.tenantId);
  assert.equal(next.status, 200);
  // The first rotation's ticket still stands in the queue under the tenant's job id.
  const began = performance.now();
  const worker = await rekey.addWorker();
  const ended = await rekey.ended(next.body.data.rotationId);
  t.diagnostic(`from the worker's start to the end: ${Math.round(performance.now() - began)} ms`);
  assert.equal(ended.status, 'completed');
  assert.equal((await rekey.status(first.rotationId)).body.data.status, 'cancelled');
  await allOpen(tenant);
  await worker.stop();
});

test('cancelled in mid-sweep: ends within a second, stays as it is, and the next rotation sweeps every older key', async (t) => {
  await rekey.addWorker();
  const tenant = await rekey.seedTenant(4_000);
  const first = (await rekey.rotate(tenant.tenantId)).body.data;
  await sweepingInEarnest(first.rotationId, 200);
  const ms = await cancelInTime(first.rotationId);
  const cancelled = (await rekey.status(first.rotationId)).body.data;
  assert.equal(cancelled.phase, 'done');
  assert.ok(cancelled.percentComplete > 0 && cancelled.percentComplete < 100);
  assert.deepEqual(
    (await keysOf(tenant.tenantId)).map(({ state }) => state),
    ['deactivated', 'active'],
  );
  await allOpen(tenant);
  const left = await rekey.leftOnOlderKeys(tenant.tenantId);
  assert.ok(left > 0, 'it was cancelled too late to mean anything');
  assert.equal(total(cancelled.itemsRotated), 4_000 - left, 'what was swept is what was counted');
  t.diagnostic(`cancelled in ${Math.round(ms)} ms with ${left} of 4000 left`);

  const next = await rekey.rotate(tenant.tenantId);
  assert.equal(next.status, 200);
  const ended = await rekey.ended(next.body.data.rotationId);
  assert.equal(ended.status, 'completed');
  assert.equal(total(ended.itemsRotated), 4_000); // those of the first DEK and those of the second
  assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
  const { rows } = await pool.query('select distinct key_number from secrets where tenant_id = $1', [
    tenant.tenantId,
  ]);
  assert.deepEqual(rows, [{ key_number: 3 }]);
  await allOpen(tenant);
  assert.deepEqual((await rekey.status(first.rotationId)).body.data, cancelled); // nothing was added to it
});

test('a frozen worker that wakes after the cancel changes nothing of the finished rotation', async () => {
  const tenant = await rekey.seedTenant(4_000);
  const zombie = await rekey.addWorker();
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  await sweepingInEarnest(rotationId, 100);
  zombie.kill('SIGSTOP');
  // Frozen in a transaction of its own it holds what the cancel waits for, until Postgres ends it after 0.8 s.
  await cancelInTime(rotationId, 15_000);
  const before = await pool.query('select * from rekey.rotations where id = $1', [rotationId.slice(4)]);
  const ranges = await pool.query(
    'select * from rekey.rotation_ranges where rotation_id = $1 order by target',
    [rotationId.slice(4)],
  );
  const left = await rekey.leftOnOlderKeys(tenant.tenantId);
  assert.ok(left > 0);
  zombie.kill('SIGCONT');
  // It is over its shock when it has done another rotation's work.
  const other = await rekey.seedTenant(17);
  await rekey.ended((await rekey.rotate(other.tenantId)).body.data.rotationId);
  assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), left);
  const sql = 'select * from rekey.rotations where id = $1';
  assert.deepEqual((await pool.query(sql, [rotationId.slice(4)])).rows, before.rows);
  const rangesSql = 'select * from rekey.rotation_ranges where rotation_id = $1 order by target';
  assert.deepEqual((await pool.query(rangesSql, [rotationId.slice(4)])).rows, ranges.rows);
  assert.equal((await rekey.status(rotationId)).body.data.status, 'cancelled');
  await allOpen(tenant);
});
