import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, damage, flipBit, pastTheTriggers } from '../harness/damage.ts';
import { createTestDatabase } from '../harness/database.ts';
import { installation } from '../harness/installation.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { firstValue } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';

const database = await createTestDatabase();
const pool = database.pool();
const rekey = await installation({ databaseUrl: database.url, workers: 2 });

test('real workers, with their own role, do what policies ask for: rotate, rewrap, and sweep what is left; once, and nothing else', async () => {
  const [due, young] = [await rekey.seedTenant(85), await rekey.seedTenant(85)];
  const [wrapped, left] = [await rekey.seedTenant(85), await rekey.seedTenant(85)];
  const id = left.records.find(({ target }) => target === 'secrets')?.id ?? '';
  const whole = await bytesOf(pool, 'secrets', id);
  await damage(pool, 'secrets', id, flipBit);
  const { rotationId } = (await rekey.rotate(left.tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId)).status, 'completed_with_failures');
  await pastTheTriggers(pool, async (tx) => {
    await tx.query(
      `update rekey.dek_material m set wrapped_at = clock_timestamp() - interval '400 days' from rekey.deks d
       where d.id = m.dek_id and d.tenant_id = $1`,
      [wrapped.tenantId],
    );
    await tx.query('update secrets set ciphertext = $2, key_number = $3 where id = $1', [
      id,
      whole,
      whole.readUInt32BE(1),
    ]);
    await tx.query(
      `update rekey.deks set deactivated_at = clock_timestamp() - interval '8 days' where tenant_id = $1 and state = 'deactivated'`,
      [left.tenantId],
    );
  });
  await pastTheTriggers(pool, (tx) =>
    tx.query(
      `update rekey.deks set activated_at = clock_timestamp() - interval '100 days' where tenant_id = $1 and state = 'active'`,
      [due.tenantId],
    ),
  );
  await pool.query(
    `select rekey.put_policy(null, '{"rotateEveryDays": 90, "rewrapEveryDays": 365, "retireAfterDays": 7}', 0, null, null)`,
  );
  const found = async () =>
    (
      await pool.query<{ id: string; tenant_id: string; status: string }>(
        'select id, tenant_id, status from rekey.rotations where policy_version is not null',
      )
    ).rows;
  const rewraps = async () =>
    (
      await pool.query<{ tenant_id: string; status: string }>(
        'select tenant_id, status from rekey.rewraps where policy_version is not null',
      )
    ).rows;
  await until(
    async () => {
      const all = [...(await found()), ...(await rewraps())];
      return all.length >= 3 && all.every(({ status }) => status === 'completed') ? all : null;
    },
    { what: 'all is done' },
  );
  for (const tenant of [due, left, wrapped]) {
    const values = tenant.records.map((one) => [`${one.target}/${one.id}`, firstValue(one.id)] as const);
    assert.deepEqual(wrong(await openAll(rekey, tenant.tenantId), values), []);
    assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
  }
  // Another round has looked since.
  const { rows: before } = await pool.query<{ at: Date }>('select at from rekey.policy_rounds');
  await until(
    async () =>
      (await pool.query<{ at: Date }>('select at from rekey.policy_rounds')).rows[0]?.at.getTime() !==
      before[0]?.at.getTime(),
    { what: 'another round' },
  );
  assert.deepEqual(
    (await found()).map(({ tenant_id }) => tenant_id).sort(),
    [due.tenantId, left.tenantId].sort(),
  );
  assert.deepEqual(
    (await rewraps()).map(({ tenant_id }) => tenant_id),
    [wrapped.tenantId],
  );
  const { rows: kept } = await pool.query('select 1 from rekey.rotations where tenant_id = $1', [
    young.tenantId,
  ]);
  assert.equal(kept.length, 0);
});
