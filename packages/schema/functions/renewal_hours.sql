-- The different windows of tenants whose DEKs are to be rewrapped, as rekey.due_hours. For whoever holds rekey.take_renewal_round.
create or replace function rekey.renewal_hours() returns setof jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select distinct p.windows from rekey.policy_renewals p where p.level <> 'fresh' and jsonb_typeof(p.windows) = 'array'
$$;
revoke execute on function rekey.renewal_hours() from public;
