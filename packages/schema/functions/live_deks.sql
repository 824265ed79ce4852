-- Of these DEKs, those that are not destroyed, each with the identity of the material that is stored for it.
create or replace function rekey.live_deks(dek_ids uuid[]) returns table (id uuid, material_id uuid)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select d.id, i.material_id from rekey.deks d join rekey.dek_identities i on i.dek_id = d.id
    where d.id = any (dek_ids) and d.state <> 'destroyed';
end
$$;
