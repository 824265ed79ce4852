-- Destroys a DEK that is out of use, with its material: irreversible. Refused while any registered table holds a record of it
-- (rekey.guard_dek). False: it is in another state.
create or replace function rekey.destroy_dek(dek uuid) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.deks d set state = 'destroyed', destroyed_at = now()
    where d.id = dek and d.state in ('deactivated', 'compromised');
  if not found then
    return false;
  end if;
  delete from rekey.dek_material m where m.dek_id = dek;
  return true;
end
$$;
