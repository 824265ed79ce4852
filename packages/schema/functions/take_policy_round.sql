-- Whether it is this transaction's turn to look for tenants whose time has come: nobody else has it, and the round before began so
-- long ago. The turn ends with the transaction, also where the process or its connection dies, and then nothing of it has happened.
-- Whoever has it finds how all keys stand written down as of now (rekey.policy_standings).
create or replace function rekey.take_policy_round(every_ms integer) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rekey.policy_rounds p
    where p.at < clock_timestamp() - make_interval(secs => every_ms / 1000.0)
      -- The clock has stepped back since.
      or p.at > clock_timestamp() + interval '10 seconds'
    for update skip locked;
  if not found then
    return false;
  end if;
  update rekey.policy_rounds set at = clock_timestamp();
  perform rekey.keep_standings();
  return true;
end
$$;
revoke execute on function rekey.take_policy_round(integer) from public;
