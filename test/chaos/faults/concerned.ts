import type { Pool } from 'pg';

/** Records of a rotation that ended longer ago are under its DEK, or under a later one; nobody says of it that it waits. */
const settledMs = 5_000;

/**
 * Tenants that may notice what becomes of a KMS: some of their DEKs that are still in use are under its KEK, or the next is to
 * be, or a rewrap takes them there, or from there those that are in use no more. Nobody else may, whatever their own KEK is in.
 */
export async function concerned(pool: Pool, name: string, kekId: string): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `with settled as (select clock_timestamp() - make_interval(secs => $3 / 1000.0) as at),
     under_it as (
       select d.tenant_id, d.key_number from rekey.deks d join rekey.dek_material m on m.dek_id = d.id where m.kek_id = $2),
     rewraps as (
       select r.tenant_id, r.kek_id from rekey.rewraps r, settled s
       where r.completed_at is null or r.completed_at > s.at)
     select t.id from rekey.tenants t where exists (
       select from under_it u where u.tenant_id = t.id and u.key_number >= coalesce((
         select max(n.key_number) from rekey.rotations r join rekey.deks n on n.id = r.new_dek_id, settled s
         where r.tenant_id = t.id and r.status like 'completed%' and r.completed_at < s.at), 0))
     or exists (select from rekey.kek_choices c where c.tenant_id = t.id and (c.kek_name = $1 or c.active_name = $1))
     -- It has chosen another one since, perhaps.
     or exists (select from rekey.rotations r, settled s
       where r.tenant_id = t.id and r.kek_id = $2 and (r.completed_at is null or r.completed_at > s.at))
     or exists (select from rewraps r
       where coalesce(r.tenant_id = t.id, true) and (r.kek_id = $2 or exists (
         select from under_it u where u.tenant_id = t.id)))`,
    [name, kekId, settledMs],
  );
  return rows.map(({ id }) => id);
}
