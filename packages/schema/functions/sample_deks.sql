-- For processes of the version before, which knew KEKs by their URIs; later ones call rekey.sample_deks_under.
-- A few DEKs of the installation that were wrapped under the KEK of that URI; if there are none, of those whose URI begins
-- so. The newest and the oldest of them, those that have been in use first: any of them may be damaged.
create or replace function rekey.sample_deks(same_kek text, or_begins_with text, except_dek uuid)
returns table (tenant_id uuid, id uuid, wrapped bytea)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  each constant integer := 4;
begin
  return query
    with fitting as (
      select d.tenant_id, d.id, m.wrapped, m.wrapped_at, m.kek_uri = same_kek as same_uri,
        d.state <> 'pre_active' as was_used
      from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
      where starts_with(m.kek_uri, or_begins_with) and d.state <> 'destroyed' and d.id is distinct from except_dek),
    ranked as (
      select *, row_number() over (order by same_uri desc, was_used desc, wrapped_at desc, id) as newest,
        row_number() over (order by same_uri desc, was_used desc, wrapped_at, id) as oldest
      from fitting)
    select r.tenant_id, r.id, r.wrapped from ranked r
    where least(r.newest, r.oldest) <= each order by least(r.newest, r.oldest);
end
$$;
