-- How many DEKs are under each KEK, by their states; of one tenant, or with null of all.
create or replace function rekey.kek_census(tenant uuid) returns table (kek_id text, state text, deks bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select m.kek_id, d.state, count(*) from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
    where d.state <> 'destroyed' and (tenant is null or d.tenant_id = tenant)
    group by m.kek_id, d.state order by m.kek_id, d.state;
end
$$;
revoke execute on function rekey.kek_census(uuid) from public;
