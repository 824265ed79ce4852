-- The different windows of tenants whose time has come, or who may have records to be retried: whether they are open now is not known here. For whoever holds
-- rekey.take_policy_round.
create or replace function rekey.due_hours() returns setof jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select distinct s.policy -> 'windows' from rekey.policy_standings s
  where (s.level <> 'fresh' or s.policy ->> 'retireAfterDays' is not null) and jsonb_typeof(s.policy -> 'windows') = 'array'
$$;
revoke execute on function rekey.due_hours() from public;
