-- How the active DEK of each tenant for which a policy says when it is to be rotated stands by it, or of one tenant. `due`: its
-- time has come, up to a tenth of the interval early, by a share that is its tenant's for good, so that tenants who began together
-- come apart; or nine tenths of its seals are spent. `overdue`: the interval has passed, or the seals are spent. `orphaned`: five tries in a row
-- ended without a switch, or records were left on an older DEK that is older than the interval, or which five retries have not emptied.
--
-- Everything is read once for all tenants, not once for each: policies that say the same are merged once, tries and what was left
-- behind are found from the few rotations that did not end well, and seals are summed only where a policy counts them.
create or replace function rekey.policy_standing(of_tenant uuid)
returns table (
  tenant_id uuid, dek_id uuid, level text, due_at timestamptz, overdue_at timestamptz, tries integer, tried_at timestamptz,
  policy jsonb, policy_version text
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
as $$
  with held as materialized (
    select * from rekey.policies_held(of_tenant)
  ), active as materialized (
    select d.tenant_id, d.id, d.activated_at, m.policy, m.version,
      (m.policy ->> 'rotateEveryDays')::integer * interval '24 hours' as every,
      (m.policy ->> 'retireAfterDays')::integer * interval '24 hours' as retire_after,
      (m.policy ->> 'rotateBeforeSeals')::bigint as seals_max,
      ('x' || left(md5(d.tenant_id::text), 8))::bit(32)::bigint / 4294967296.0 * 0.1 as early
    from rekey.deks d
      join held s on s.tenant_id is null
      left join held h on h.tenant_id = d.tenant_id
      cross join lateral (select coalesce(h.policy, s.policy) as policy,
        coalesce(h.policy_version, s.policy_version) as version offset 0) m
    where d.state = 'active' and (of_tenant is null or d.tenant_id = of_tenant)
      and (m.policy ->> 'rotateEveryDays' is not null or m.policy ->> 'rotateBeforeSeals' is not null
        or m.policy ->> 'retireAfterDays' is not null)
  ), tried as (
    select r.previous_dek_id as dek_id, count(*)::integer as tries, max(r.completed_at) as tried_at
    from rekey.rotations r
    where r.status in ('failed', 'cancelled') and r.policy_version is not null and r.switched_at is null
      and (of_tenant is null or r.tenant_id = of_tenant)
    group by 1
  ), left_behind as (
    select b.dek_id as id, b.older_activated_at, b.out_of_use_at, b.retries from rekey.left_behind(of_tenant) b
  ), sealed as (
    select c.id, sum(c.seals) as seals from (
      select a.id, s.seals from active a join rekey.dek_seals s on s.dek_id = a.id where a.seals_max is not null
      union all
      select a.id, g.sealed from active a join rekey.rotations r on r.new_dek_id = a.id
        join rekey.rotation_ranges g on g.rotation_id = r.id where a.seals_max is not null) c
    group by 1
  ), seen as (
    select a.*, a.activated_at + a.every * (1 - a.early) as due_at, a.activated_at + a.every as overdue_at,
      coalesce(t.tries, 0) as tries, t.tried_at,
      b.older_activated_at + a.every < clock_timestamp()
        or b.out_of_use_at + a.retire_after < clock_timestamp() and b.retries >= 5 as needs_somebody,
      case when a.seals_max is not null then coalesce(s.seals, 0) end as seals
    from active a
      left join tried t on t.dek_id = a.id
      left join left_behind b on b.id = a.id
      left join sealed s on s.id = a.id
  )
  select s.tenant_id, s.id, case
      when s.tries >= 5 or s.needs_somebody then 'orphaned'
      when s.overdue_at <= clock_timestamp() or s.seals >= s.seals_max then 'overdue'
      when s.due_at <= clock_timestamp() or s.seals >= 0.9 * s.seals_max then 'due'
      else 'fresh' end,
    s.due_at, s.overdue_at, s.tries, s.tried_at, s.policy, s.version
  from seen s
$$;
revoke execute on function rekey.policy_standing(uuid) from public;
