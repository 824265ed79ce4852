import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';

const calls = 200;
const rounds = 20;

test('of 200 concurrent rotate calls over two API processes exactly one starts a rotation, and the others name it', async (t) => {
  const database = await createTestDatabase();
  const rekey = await installation({ databaseUrl: database.url, apis: 2, workers: 0 });
  const pool = database.pool();
  const began = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    const { tenantId } = await rekey.seedTenant(4);
    const answers = await Promise.all(
      Array.from({ length: calls }, (_, call) => rekey.rotate(tenantId, call % 2)),
    );

    const accepted = answers.filter(({ status }) => status === 200);
    assert.equal(accepted.length, 1);
    const { rotationId, newKeyId } = accepted[0]?.body.data ?? { rotationId: '', newKeyId: '' };
    for (const { status, body } of answers.filter((answer) => answer.status !== 200)) {
      assert.equal(status, 409);
      assert.deepEqual([body.error.code, body.error.rotationId], ['ROTATION_IN_PROGRESS', rotationId]);
    }
    const rotations = await pool.query('select id, new_dek_id from rekey.rotations where tenant_id = $1', [
      tenantId,
    ]);
    assert.deepEqual(rotations.rows, [{ id: rotationId.slice(4), new_dek_id: newKeyId.slice(4) }]);
    const deks = await pool.query(
      'select key_number, state from rekey.deks where tenant_id = $1 order by key_number',
      [tenantId],
    );
    assert.deepEqual(deks.rows, [
      { key_number: 1, state: 'active' },
      { key_number: 2, state: 'pre_active' },
    ]);
  }
  t.diagnostic(
    `${calls * rounds} calls, ${Math.round((calls * rounds * 1_000) / (performance.now() - began))}/s`,
  );
});

test('calls that have to queue for more than two seconds are told 409, not 503', async () => {
  const database = await createTestDatabase();
  const rekey = await installation({ databaseUrl: database.url, workers: 0 });
  const { tenantId } = await rekey.seedTenant(4);
  const holder = await database.pool().connect();
  await holder.query('begin');
  await holder.query('select from rekey.tenants where id = $1 for update', [tenantId]);
  const calls = Array.from({ length: 30 }, () => rekey.rotate(tenantId));
  await sleep(2_300); // longer than the patience for a Postgres that does not answer
  await holder.query('commit');
  holder.release();
  const statuses = (await Promise.all(calls)).map(({ status }) => status).sort();
  assert.deepEqual(statuses, [200, ...Array.from({ length: 29 }, () => 409)]);
});
