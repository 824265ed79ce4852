import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { planRanges } from '@rekey/rotation';
import { rotationCore } from '../harness/rotation.ts';
import { seedTenant } from '../harness/seed.ts';
import { beginSweep } from '../harness/sweep-step.ts';

const core = await rotationCore();
await core.store.query(`
  create table halves (id uuid primary key, tenant_id uuid not null, key_number int, ciphertext bytea);
  create index on halves (tenant_id, id);
  select rekey.register_target('halves', 'secrets', 'halves')`);

test('right after the switch full ranges are cut by the index alone, but not where rows stand that are no records', async () => {
  const { tenantId } = await seedTenant(core.vault, 60);
  const records = Array.from({ length: 20 }, () => ({ id: randomUUID(), value: Buffer.from('sealed') }));
  await core.vault.putMany({ target: 'halves', tenantId, records });
  await core.store.query(
    'insert into halves (id, tenant_id) select gen_random_uuid(), $1 from generate_series(1, 30)',
    [tenantId],
  );
  const env = core.environment();
  const { rotationId, newKeyNumber } = await beginSweep(core, tenantId);
  // What an application adds under the new DEK before the plan comes there.
  for (const n of [1, 2, 3])
    await core.vault.put({
      target: 'secrets',
      tenantId,
      id: `00000000-0000-4000-8000-00000000000${n}`,
      value: Buffer.from('added'),
      columns: { name: 'added' },
    });
  const plan = async (options: { isJustSwitched?: boolean }): Promise<Record<string, number[]>> => {
    await core.pool.query('delete from rekey.rotation_ranges where rotation_id = $1', [rotationId]);
    await planRanges(env, { rotationId, tenantId, newKeyNumber, ...options }, 5);
    const { rows } = await core.pool.query<{ target: string; planned: number[] }>(
      `select target, array_agg(planned::int order by ordinal) as planned from rekey.rotation_ranges
       where rotation_id = $1 group by 1`,
      [rotationId],
    );
    return Object.fromEntries(rows.map((row) => [row.target, row.planned]));
  };

  const others = { api_keys: [5, 2], credentials: [5, 5, 5, 2], halves: [5, 5, 5, 5, 0] };
  assert.deepEqual(await plan({}), { ...others, secrets: [5, 5, 5, 5, 5, 5, 5, 1] });
  // The three are in the first range, and taken for records on the older DEK; the last range is counted.
  assert.deepEqual(await plan({ isJustSwitched: true }), { ...others, secrets: [5, 5, 5, 5, 5, 5, 5, 4] });
});
