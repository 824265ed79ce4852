-- Ends the use of a signing key; what it signed before stays good. False: there is none that is in use by that name.
create or replace function rekey.retire_signing_key(named text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.signing_keys k set retired_at = clock_timestamp() where k.kid = named and k.retired_at is null;
  if not found then
    update rekey.second_signing_keys k set retired_at = clock_timestamp() where k.kid = named and k.retired_at is null;
  end if;
  if not found then
    return false;
  end if;
  perform rekey.append_event(null, 'signing.retired', null, jsonb_build_object('kid', named));
  return true;
end
$$;
revoke execute on function rekey.retire_signing_key(text) from public;
