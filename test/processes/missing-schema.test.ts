import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { until } from '../harness/wait.ts';
import { workerHere } from '../harness/worker-here.ts';

const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url, workers: 0 });
/** A minute, where it is not a test. */
const schemaMissingMs = 4_000;
const { log } = await workerHere(rekey, rekey.kek, undefined, { schemaMissingMs });

const hide = 'alter function rekey.switch_to_dek(uuid, uuid, uuid, uuid) rename to switch_away';
const giveBack = 'alter function rekey.switch_away(uuid, uuid, uuid, uuid) rename to switch_to_dek';

async function startedWithoutIt(): Promise<string> {
  const tenant = await rekey.seedTenant(17);
  await pool.query(hide);
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  await until(async () => (await rekey.status(rotationId)).body.data.waitingFor === 'database', {
    what: 'it waits for the database',
  });
  return rotationId;
}

test('a part of the schema that is missing for a moment is waited for, each time anew', async () => {
  for (let time = 0; time < 2; time += 1) {
    const rotationId = await startedWithoutIt();
    await pool.query(giveBack);
    const ended = await rekey.ended(rotationId);
    assert.deepEqual([ended.status, ended.failureReason], ['completed', null]);
  }
  assert.deepEqual(
    log.filter((line) => line.includes('rotation failed')),
    [],
  );
});

test('one that stays missing ends the rotation as SCHEMA_MISSING, with nothing changed, and not before its time', async () => {
  const beganMs = performance.now();
  const rotationId = await startedWithoutIt();
  const ended = await rekey.ended(rotationId);
  assert.ok(performance.now() - beganMs > schemaMissingMs);
  assert.deepEqual([ended.status, ended.failureReason], ['failed', 'SCHEMA_MISSING']);
  const { rows } = await pool.query<{ dek: string }>(
    `select key_number || ' ' || state as dek from rekey.deks where tenant_id = $1 order by key_number`,
    [ended.tenantId],
  );
  assert.deepEqual(
    rows.map(({ dek }) => dek),
    ['1 active', '2 destroyed'],
  );
  await pool.query(giveBack);
  const again = (await rekey.rotate(ended.tenantId)).body.data.rotationId;
  assert.equal((await rekey.ended(again)).status, 'completed');
});
