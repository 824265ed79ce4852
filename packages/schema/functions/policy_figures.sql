-- How many active DEKs, or whether that of one tenant, stand how by their policies, as of the last round:
-- {"atMs", "levels": {<level>: n}, "wrappings": {<level>: n}}, the latter of tenants by how old the wrapping of their DEKs is. Null:
-- no round within the last minute, so nobody knows.
create or replace function rekey.policy_figures(of_tenant uuid) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
  select jsonb_build_object('atMs', floor(extract(epoch from p.at) * 1000), 'levels', (
    select coalesce(jsonb_object_agg(l.level, l.keys), '{}') from (
      select s.level, count(*) as keys from rekey.policy_standings s
      where of_tenant is null or s.tenant_id = of_tenant group by 1) l),
    'wrappings', (
    select coalesce(jsonb_object_agg(l.level, l.tenants), '{}') from (
      select w.level, count(*) as tenants from rekey.policy_renewals w
      where of_tenant is null or w.tenant_id = of_tenant group by 1) l))
  from rekey.policy_rounds p
  where p.at between clock_timestamp() - interval '1 minute' and clock_timestamp() + interval '10 seconds'
$$;
revoke execute on function rekey.policy_figures(uuid) from public;
