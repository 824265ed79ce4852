import type { Pool } from 'pg';
import { collector, type Violation } from './violation.ts';

/** A row that a statement must not yield: what is wrong with it, in its column `what`. */
const statements: ReadonlyArray<{ readonly check: string; readonly sql: string }> = [
  {
    check: 'every rotation ends',
    sql: `select 'rotation ' || id || ' of ' || tenant_id || ' is ' || phase || coalesce(', waits for ' || waiting_for, '') as what
      from rekey.rotations where completed_at is null`,
  },
  {
    check: 'every rewrap ends',
    sql: `select 'rewrap ' || id || ' is ' || status || coalesce(', waits for ' || waiting_for, '') as what
      from rekey.rewraps where completed_at is null`,
  },
  {
    check: 'rewraps',
    sql: `select 'rewrap ' || id || ' ended ' || status || ' with ' || set_aside || ' set aside' as what from rekey.rewraps
      where status = 'completed_with_failures' or set_aside > 0 or fingerprint_before is distinct from fingerprint_after and status = 'completed'`,
  },
  {
    check: 'rewraps',
    sql: `select 'DEK ' || d.id || ' of ' || d.tenant_id || ' has no wrapped bytes' as what from rekey.deks d
      where d.state in ('active', 'deactivated') and not exists (select from rekey.dek_material m where m.dek_id = d.id)`,
  },
  {
    check: 'no rotation fails',
    sql: `select 'rotation ' || id || ' failed: ' || failure_reason as what from rekey.rotations where status = 'failed'`,
  },
  {
    check: 'one new DEK per rotation',
    sql: `select 'tenant ' || t.id || ' has ' || count(distinct d.id) || ' DEKs after ' || count(distinct r.id) || ' rotations' as what
      from rekey.tenants t join rekey.deks d on d.tenant_id = t.id left join rekey.rotations r on r.tenant_id = t.id and r.retry_of is null
      group by t.id having count(distinct d.id) <> count(distinct r.id) + 1`,
  },
  {
    check: 'one active key',
    sql: `select 'tenant ' || tenant_id || ' has ' || count(*) filter (where state = 'active') || ' active DEKs' as what
      from rekey.deks group by tenant_id having count(*) filter (where state = 'active') <> 1`,
  },
  {
    check: 'one active key',
    sql: `select 'DEK ' || id || ' is pre_active and nobody will activate it' as what from rekey.deks d
      where state = 'pre_active' and not exists (select from rekey.rotations r where r.new_dek_id = d.id and r.completed_at is null)`,
  },
  {
    // A call waits for the tenant's row and may then begin before the end that let it in: by milliseconds.
    check: 'one at a time',
    sql: `select 'rotations ' || a.id || ' and ' || b.id || ' of ' || a.tenant_id || ' ran at the same time' as what
      from rekey.rotations a join rekey.rotations b on a.tenant_id = b.tenant_id and a.id <> b.id
      where a.started_at <= b.started_at and a.started_at <> b.started_at
        and (a.completed_at is null or a.completed_at > b.started_at + interval '2 seconds')`,
  },
  {
    check: 'counts add up',
    sql: `select 'rotation ' || id || ': ' || (progress -> 'rotated')::text || ' rotated of ' || items_to_rotate::text as what
      from rekey.rotations r cross join lateral (
        select bool_and(swept + (progress -> 'superseded' ->> type)::bigint
          = greatest(swept, (items_to_rotate ->> type)::bigint)) as accounted
        from (select type, (progress -> 'rotated' ->> type)::bigint + (progress -> 'failed' ->> type)::bigint
            + (progress -> 'remaining' ->> type)::bigint as swept
          from unnest(array['credentials', 'apiKeys', 'secrets']) type) by_type) sums
      where status like 'completed%' and not sums.accounted`,
  },
  ...['credentials', 'api_keys', 'secrets'].map((table) => ({
    check: 'nothing on an older DEK',
    sql: `select '${table}/' || x.id || ' is under key ' || x.key_number || ', rotation ' || r.id || ' completed key ' || d.key_number as what
      from ${table} x join rekey.rotations r on r.tenant_id = x.tenant_id and r.status = 'completed'
      join rekey.deks d on d.id = r.new_dek_id where x.key_number < d.key_number`,
  })),
  ...['credentials', 'api_keys', 'secrets'].map((table) => ({
    check: 'the label and the bytes agree',
    sql: `select '${table}/' || id || ' says key ' || key_number as what from ${table}
      where substring(ciphertext from 1 for 5) <> '\\x01'::bytea || int4send(key_number)`,
  })),
  {
    check: 'record counts',
    sql: `select 'tenant ' || coalesce(c.tenant_id, n.tenant_id) || ' has ' || coalesce(n.n, 0) || ' secrets, counted ' || coalesce(c.n, 0) as what
      from (select tenant_id, count(*) as n from secrets group by 1) n
      full join (select tenant_id, sum(records) as n from (
          select tenant_id, records from rekey.record_counts where target = 'secrets'
          union all select tenant_id, delta from rekey.record_deltas where target = 'secrets') all_counts group by 1) c
        on c.tenant_id = n.tenant_id
      where coalesce(n.n, 0) <> coalesce(c.n, 0)`,
  },
];

/** What the database must look like when all is over. */
export async function checkDatabase(pool: Pool): Promise<Violation[]> {
  const all: Violation[] = [];
  for (const { check, sql } of statements) {
    const wrong = collector(check);
    const { rows } = await pool.query<{ what: string }>(sql);
    for (const { what } of rows) wrong.add(what);
    all.push(...wrong.all());
  }
  return all;
}

/** Looked at right after a rotation was seen to have completed: nothing is left on a DEK older than its own. */
export async function leftBehind(pool: Pool, rotationId: string): Promise<number> {
  const { rows } = await pool.query<{ left: string }>(
    `select count(*) as left from rekey.rotations r join rekey.deks d on d.id = r.new_dek_id
     join (select tenant_id, id, key_number, 'credentials' as target from credentials
       union all select tenant_id, id, key_number, 'api_keys' from api_keys
       union all select tenant_id, id, key_number, 'secrets' from secrets) x
       on x.tenant_id = r.tenant_id and x.key_number < d.key_number
     where r.id = $1 and r.status like 'completed%'
       and not exists (select from rekey.rotation_failures f
         where f.rotation_id = r.id and f.target = x.target and f.record_id = x.id::text)`,
    [rotationId],
  );
  return Number(rows[0]?.left ?? 0);
}
