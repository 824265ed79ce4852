-- Which rotations ended with something left and have no completed rotation of their tenant behind them: of a tenant, or with null of all.
-- What rekey.rotation_needs keeps, found.
create or replace function rekey.find_needs(of_tenant uuid)
returns table (rotation_id uuid, tenant_id uuid, reason text, started_at timestamptz, since timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
as $$
  select r.id, r.tenant_id, r.status, r.started_at, r.completed_at from rekey.rotations r
  where r.status in ('failed', 'completed_with_failures') and (of_tenant is null or r.tenant_id = of_tenant)
    and not exists (
      select from rekey.rotations l
      where l.tenant_id = r.tenant_id and l.status = 'completed' and l.started_at > r.started_at)
$$;
revoke execute on function rekey.find_needs(uuid) from public;
