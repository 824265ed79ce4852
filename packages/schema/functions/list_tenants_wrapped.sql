-- As rekey.list_tenants, with how old the wrapping of each tenant's DEKs is by its policy, and of those where that stands so alone.
-- `wrapping` is null where no policy says how old it gets, or no round has seen it yet.
create or replace function rekey.list_tenants_wrapped(
  of_tenant uuid, of_level text, of_wrapping text, after uuid, at_most integer
)
returns table (
  tenant_id uuid, name text, created_at timestamptz, dek_id uuid, key_number integer, activated_at timestamptz, level text,
  due_at timestamptz, overdue_at timestamptz, tries integer, policy_version text, rotation_id uuid, seen_at timestamptz,
  wrapping text, wrapping_overdue_at timestamptz, wrapping_tries integer
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
  select t.id, t.name, t.created_at, d.id, d.key_number, d.activated_at, s.level, s.due_at, s.overdue_at, s.tries,
    s.policy_version, r.id, p.at, w.level, w.overdue_at, w.tries
  from rekey.tenants t
    cross join rekey.policy_rounds p
    left join rekey.deks d on d.tenant_id = t.id and d.state = 'active'
    left join rekey.policy_standings s on s.dek_id = d.id
    left join rekey.policy_renewals w on w.tenant_id = t.id
    left join rekey.rotations r on r.tenant_id = t.id and r.status in ('in_progress', 'paused')
  where (of_tenant is null or t.id = of_tenant) and (after is null or t.id > after) and (of_level is null or s.level = of_level)
    and (of_wrapping is null or w.level = of_wrapping)
  order by t.id limit at_most
$$;
revoke execute on function rekey.list_tenants_wrapped(uuid, text, text, uuid, integer) from public;
