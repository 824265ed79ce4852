-- How many rotations have ended how, and how many of the DEKs that are active became so in which hour: of a tenant, or with null of all. What
-- rekey.summary_counts keeps, counted.
create or replace function rekey.count_figures(of_tenant uuid)
returns table (what text, hour timestamptz, counted bigint)
language sql stable security definer
set search_path = pg_catalog, pg_temp
-- One tenant's are found by an index, all are read.
set plan_cache_mode = force_custom_plan
set jit = off
as $$
  select r.status, '-infinity'::timestamptz, count(*) from rekey.rotations r
    where r.status not in ('in_progress', 'paused') and (of_tenant is null or r.tenant_id = of_tenant) group by 1
  union all
  select 'key', coalesce(date_trunc('hour', d.activated_at, 'UTC'), '-infinity'), count(*) from rekey.deks d
    where d.state = 'active' and (of_tenant is null or d.tenant_id = of_tenant) group by 2
$$;
revoke execute on function rekey.count_figures(uuid) from public;
