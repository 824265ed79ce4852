-- A key that signed stays. It is retired once, and declared compromised for ever; since when may turn out to be earlier.
create or replace function rekey.guard_signing_key() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' then
    if (new.kid, new.public_key, new.not_before) = (old.kid, old.public_key, old.not_before)
      and (old.retired_at is null or new.retired_at is not distinct from old.retired_at)
      and (old.compromised_at is null or new.compromised_at <= old.compromised_at) then
      return new;
    end if;
  end if;
  raise exception 'A signing key never changes and is never deleted' using errcode = 'RK010';
end
$$;
