-- Whether it is this transaction's turn to look for tenants whose DEKs are to be rewrapped: nobody else has it. It is another
-- transaction than that of rekey.take_policy_round, so that neither waits with the locks of the other. Whoever has it finds how
-- old all wrappings are written down as of now (rekey.policy_renewals).
create or replace function rekey.take_renewal_round() returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rekey.policy_rounds p for update skip locked;
  if not found then
    return false;
  end if;
  perform rekey.keep_renewals();
  return true;
end
$$;
revoke execute on function rekey.take_renewal_round() from public;
