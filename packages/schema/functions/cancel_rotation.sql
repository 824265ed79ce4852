-- Ends an unfinished rotation as cancelled, as the API's call does, for an operator who has no token at hand. False: it has
-- ended, or there is none.
create or replace function rekey.cancel_rotation(rotation uuid) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  halted rekey.rotations;
begin
  select * into halted from rekey.halt_rotation(rotation);
  if halted.id is null then
    return false;
  end if;
  perform rekey.close_rotation(rotation, 'cancelled', null, halted.progress, clock_timestamp(),
    jsonb_build_object('kind', 'operator', 'id', session_user, 'name', null, 'email', null));
  return true;
end
$$;
