-- Declares since when a signing key has been in other hands, as far as is known now: also of one that is declared compromised
-- already, but never for a later time. False: there is none by that name, or it is declared so since that time or before.
create or replace function rekey.compromise_signing_key_since(named text, since timestamptz) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  then_at constant timestamptz := least(since, clock_timestamp());
begin
  update rekey.signing_keys k set compromised_at = then_at
    where k.kid = named and (k.compromised_at is null or k.compromised_at > then_at);
  if not found then
    update rekey.second_signing_keys k set compromised_at = then_at
      where k.kid = named and (k.compromised_at is null or k.compromised_at > then_at);
  end if;
  if not found then
    return false;
  end if;
  perform rekey.append_event(null, 'signing.compromised', null, jsonb_build_object('kid', named, 'since', then_at));
  return true;
end
$$;
revoke execute on function rekey.compromise_signing_key_since(text, timestamptz) from public;
