-- Declares that a signing key is in other hands: from then on verifiers refuse whatever it signed. False: it was declared so
-- before, or there is none by that name.
create or replace function rekey.compromise_signing_key(named text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.signing_keys k set compromised_at = clock_timestamp() where k.kid = named and k.compromised_at is null;
  if not found then
    update rekey.second_signing_keys k set compromised_at = clock_timestamp() where k.kid = named and k.compromised_at is null;
  end if;
  if not found then
    return false;
  end if;
  perform rekey.append_event(null, 'signing.compromised', null, jsonb_build_object('kid', named));
  return true;
end
$$;
revoke execute on function rekey.compromise_signing_key(text) from public;
