-- A few DEKs of the installation that are wrapped under each of these KEKs: the newest and the oldest, those that have been
-- in use first, since any of them may be damaged.
create or replace function rekey.sample_deks_under(kek_ids text[], except_dek uuid)
returns table (tenant_id uuid, id uuid, kek_id text, kek_uri text, wrapped bytea)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  each constant integer := 4;
begin
  return query
    with ranked as (
      select d.tenant_id, d.id, m.kek_id, m.kek_uri, m.wrapped,
        row_number() over (partition by m.kek_id order by d.state = 'pre_active', m.wrapped_at desc, d.id) as newest,
        row_number() over (partition by m.kek_id order by d.state = 'pre_active', m.wrapped_at, d.id) as oldest
      from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
      where m.kek_id = any (kek_ids) and d.state <> 'destroyed' and d.id is distinct from except_dek)
    select r.tenant_id, r.id, r.kek_id, r.kek_uri, r.wrapped from ranked r
    where least(r.newest, r.oldest) <= each order by least(r.newest, r.oldest);
end
$$;
