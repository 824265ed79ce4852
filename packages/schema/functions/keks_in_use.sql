-- The KEKs that stored DEKs are wrapped under, by identity and by the URI that each had when it wrapped them. One that no DEK
-- is under any more can be taken away from processes.
create or replace function rekey.keks_in_use(except_dek uuid default null)
returns table (kek_id text, kek_uri text, deks bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select m.kek_id, m.kek_uri, count(*) from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
    where d.state <> 'destroyed' and d.id is distinct from except_dek
    group by m.kek_id, m.kek_uri order by count(*) desc, m.kek_id, m.kek_uri;
end
$$;
