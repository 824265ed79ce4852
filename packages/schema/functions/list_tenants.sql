-- Tenants in the order of their ids, behind one: all of them, or one, or those whose DEK in use stands so by its policy, as of the
-- last round. `level` is null where no policy says when, or no round has seen the DEK yet.
create or replace function rekey.list_tenants(of_tenant uuid, of_level text, after uuid, at_most integer)
returns table (
  tenant_id uuid, name text, created_at timestamptz, dek_id uuid, key_number integer, activated_at timestamptz, level text,
  due_at timestamptz, overdue_at timestamptz, tries integer, policy_version text, rotation_id uuid, seen_at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
  select t.id, t.name, t.created_at, d.id, d.key_number, d.activated_at, s.level, s.due_at, s.overdue_at, s.tries,
    s.policy_version, r.id, p.at
  from rekey.tenants t
    cross join rekey.policy_rounds p
    left join rekey.deks d on d.tenant_id = t.id and d.state = 'active'
    left join rekey.policy_standings s on s.dek_id = d.id
    left join rekey.rotations r on r.tenant_id = t.id and r.status in ('in_progress', 'paused')
  where (of_tenant is null or t.id = of_tenant) and (after is null or t.id > after) and (of_level is null or s.level = of_level)
  order by t.id limit at_most
$$;
revoke execute on function rekey.list_tenants(uuid, text, uuid, integer) from public;
