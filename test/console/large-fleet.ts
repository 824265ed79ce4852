import { inTransaction, rows } from '@rekey/db';
import type { Installation } from '../harness/installation.ts';

interface Fleet {
  readonly tenants: number;
  readonly rotations: number;
  readonly events: number;
}

const tenants = 5_000;
const rotationsPerTenant = 2;
const eventsPerTenant = 20;

/**
 * 5,000 tenants, 10,000 rotations and 100,000 events as they stand in the database, made past the guards: each a copy of what one
 * real rotation left, so that the pages show what they always show. No record stands behind them, and no chain verifies.
 */
export async function copyFleet(rekey: Installation, tenantId: string, rotationId: string): Promise<Fleet> {
  const id = rotationId.replace(/^rot-/, '');
  await inTransaction(rekey.store, async (tx) => {
    const run = (sql: string, values: readonly unknown[] = []) => rows(tx, sql, values);
    await run(`set local session_replication_role = 'replica'`);
    await run(`create temporary table fleet on commit drop as
      select gen_random_uuid() as id, n from generate_series(1, ${tenants}) n`);
    await run(`insert into rekey.tenants (id, name) select id, 'tenant ' || n from fleet`);
    // The first keys are out of use, the last is active, each some weeks older than the next.
    await run(`create temporary table ladder on commit drop as
      select f.id as tenant_id, k as number, gen_random_uuid() as id,
        now() - make_interval(days => (f.n % 500) + (${rotationsPerTenant} + 1 - k) * 30) as at
      from fleet f, generate_series(1, ${rotationsPerTenant} + 1) k`);
    await run(`insert into rekey.deks (id, tenant_id, key_number, state, created_at, activated_at, deactivated_at)
      select id, tenant_id, number, case when number > ${rotationsPerTenant} then 'active' else 'deactivated' end,
        at, at, case when number > ${rotationsPerTenant} then null else at + interval '30 days' end from ladder`);
    await run(
      `insert into rekey.rotations
       select (jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(), 'tenant_id', a.tenant_id,
         'previous_dek_id', a.id, 'new_dek_id', b.id, 'started_at', b.at, 'switched_at', b.at, 'drained_at', b.at,
         'completed_at', b.at + interval '3 seconds'))).*
       from rekey.rotations r, ladder a join ladder b on b.tenant_id = a.tenant_id and b.number = a.number + 1
       where r.id = $1`,
      [id],
    );
    await run(
      `insert into rekey.events
       select (jsonb_populate_record(e, jsonb_build_object('chain', f.id, 'sequence', k,
         'at', now() - make_interval(secs => f.n * ${eventsPerTenant} + k),
         'rotation_id', r.id))).*
       from fleet f cross join generate_series(1, ${eventsPerTenant}) k
         cross join lateral (select id from rekey.rotations o where o.tenant_id = f.id limit 1) r
         join rekey.events e on e.chain = $1
           and e.sequence = 1 + k % (select count(*) from rekey.events c where c.chain = $1)`,
      [tenantId],
    );
  });
  await rekey.store.query('analyze');
  const { rows: stand } = await rekey.store.query<{ tenants: number; rotations: number; events: number }>(
    `select (select count(*)::int from rekey.tenants) as tenants, (select count(*)::int from rekey.rotations) as rotations,
       (select count(*)::int from rekey.events) as events`,
  );
  return stand[0] ?? { tenants: 0, rotations: 0, events: 0 };
}
