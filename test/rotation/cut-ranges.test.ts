import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cutRanges, planEdges } from '@rekey/data';
import { inTransaction, openSweepStore, row } from '@rekey/db';
import { planRanges } from '@rekey/rotation';
import { patient } from '../harness/patient.ts';
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

test('to cut a full range right after the switch, no record is visited', async (t) => {
  const { tenantId } = await seedTenant(core.vault, 3_400);
  const { rotationId, newKeyNumber } = await beginSweep(core, tenantId);
  await core.pool.query('delete from rekey.rotation_ranges where rotation_id = $1', [rotationId]);
  await core.store.query('vacuum secrets');
  const sweepStore = openSweepStore({ ...patient, url: core.database.url, max: 1, onError: () => {} });
  t.after(() => sweepStore.end());
  const [{ edges } = { edges: [] }] = await planEdges(core.store, [rotationId]);
  const secrets = edges.filter(({ target }) => target.name === 'secrets');
  const visited = (isJustSwitched: boolean): Promise<number> =>
    inTransaction(sweepStore, async (tx) => {
      const fetched = async (): Promise<number> => {
        const statistics = `select pg_stat_get_xact_tuples_fetched('secrets_by_tenant'::regclass)::int as fetched`;
        return (await row<{ fetched: number }>(tx, statistics)).fetched;
      };
      const before = await fetched();
      const cuts = await cutRanges(tx, secrets, {
        tenantId,
        newKeyNumber,
        itemsPerRange: 1_000,
        isJustSwitched,
      });
      assert.deepEqual(
        cuts.map(({ planned, upper }) => [planned, upper !== null]),
        [[1_000, true]],
      );
      return (await fetched()) - before;
    });
  assert.equal(await visited(false), 1_000);
  assert.ok((await visited(true)) < 100);
});
