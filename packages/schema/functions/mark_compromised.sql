-- Declares a DEK that is out of use compromised, and remembers by which rotation, if by one. False: it is in another state.
create or replace function rekey.mark_compromised(dek uuid, by_rotation uuid) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  -- The trigger that guards DEKs makes a row of it (rekey.guard_dek), which is told of whose doing it was before the
  -- event is written.
  update rekey.deks d set state = 'compromised' where d.id = dek and d.state = 'deactivated';
  if not found then
    return false;
  end if;
  update rekey.dek_compromises c set rotation_id = by_rotation where c.dek_id = dek;
  return true;
end
$$;
revoke execute on function rekey.mark_compromised(uuid, uuid) from public;
