-- Makes the public key of a worker's second signature known, once; whether certificates may be signed with it.
create or replace function rekey.register_second_signing_key(named text, key_bytes bytea) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into rekey.second_signing_keys (kid, public_key) values (named, key_bytes) on conflict do nothing;
  if found then
    perform rekey.append_event(null, 'signing.registered', null, jsonb_build_object('kid', named));
  end if;
  return exists (select from rekey.second_signing_keys k
    where k.kid = named and k.public_key = key_bytes and k.retired_at is null and k.compromised_at is null);
end
$$;
revoke execute on function rekey.register_second_signing_key(text, bytea) from public;
