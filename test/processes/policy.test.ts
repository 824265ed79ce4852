import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pastTheTriggers } from '../harness/damage.ts';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { firstValue } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url, workers: 2 });

test('real workers, with their own role, rotate a tenant whose time has come, once, and nobody else', async () => {
  const [due, young] = [await rekey.seedTenant(85), await rekey.seedTenant(85)];
  await pastTheTriggers(pool, (tx) =>
    tx.query(
      `update rekey.deks set activated_at = clock_timestamp() - interval '100 days' where tenant_id = $1 and state = 'active'`,
      [due.tenantId],
    ),
  );
  await pool.query(`select rekey.put_policy(null, '{"rotateEveryDays": 90}', 0, null, null)`);
  const found = async () =>
    (
      await pool.query<{ id: string; tenant_id: string; status: string }>(
        'select id, tenant_id, status from rekey.rotations where policy_version is not null',
      )
    ).rows;
  const [rotation] = await until(
    async () => {
      const all = await found();
      return all[0]?.status === 'completed' ? all : null;
    },
    { what: 'it is rotated' },
  );
  assert.equal(rotation?.tenant_id, due.tenantId);
  const values = due.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll(rekey, due.tenantId), values), []);
  assert.equal(await rekey.leftOnOlderKeys(due.tenantId), 0);
  // Another round has looked since.
  const { rows: before } = await pool.query<{ at: Date }>('select at from rekey.policy_rounds');
  await until(
    async () =>
      (await pool.query<{ at: Date }>('select at from rekey.policy_rounds')).rows[0]?.at.getTime() !==
      before[0]?.at.getTime(),
    { what: 'another round' },
  );
  assert.deepEqual(
    (await found()).map(({ tenant_id }) => tenant_id),
    [due.tenantId],
  );
  assert.notEqual(young.tenantId, due.tenantId);
});
