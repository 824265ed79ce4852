-- How the active DEK of each tenant for which a policy says when it is to be rotated stands by it, or of one tenant. `due`: its
-- time has come, up to a tenth of the interval early, by a share that is its tenant's for good, so that tenants who began together
-- come apart; or nine tenths of its seals are spent. `overdue`: the interval has passed, or the seals are spent. `orphaned`: five tries in a row
-- ended without a switch, or records were left on an older DEK that is older than the interval.
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
  with standard as materialized (
    select coalesce(l.version, 0) as version, coalesce(l.policy, '{}') as policy,
      rekey.merge_policies(coalesce(l.policy, '{}'), null) as merged
    from (select) one left join rekey.latest_policy(null) l on true
  ), active as (
    select d.tenant_id, d.id, d.activated_at, m.policy, s.version || '.' || coalesce(o.version, 0) as version,
      (m.policy ->> 'rotateEveryDays')::integer * interval '24 hours' as every,
      (m.policy ->> 'rotateBeforeSeals')::bigint as seals_max,
      ('x' || left(md5(d.tenant_id::text), 8))::bit(32)::bigint / 4294967296.0 * 0.1 as early
    from rekey.deks d cross join standard s
      left join lateral (select p.version, p.policy from rekey.policies p
        where p.tenant_id = d.tenant_id order by p.version desc limit 1) o on true
      cross join lateral (select case when o.policy is null then s.merged
        else rekey.merge_policies(s.policy, o.policy) end as policy) m
    where d.state = 'active' and (of_tenant is null or d.tenant_id = of_tenant)
      and (m.policy ->> 'rotateEveryDays' is not null or m.policy ->> 'rotateBeforeSeals' is not null)
  ), seen as (
    select a.*, a.activated_at + a.every * (1 - a.early) as due_at, a.activated_at + a.every as overdue_at,
      t.tries, t.tried_at,
      case when a.seals_max is not null then (select c.seals from rekey.dek_seal_counts c where c.dek_id = a.id) end as seals,
      exists (
        select from rekey.rotations r join rekey.deks p on p.id = r.previous_dek_id
        where r.tenant_id = a.tenant_id and r.new_dek_id = a.id and r.switched_at is not null
          and r.status in ('completed_with_failures', 'failed', 'cancelled')
          and p.activated_at + a.every < clock_timestamp()
          and not exists (select from rekey.rotations l where l.tenant_id = a.tenant_id and l.started_at > r.started_at
            and l.status in ('completed', 'in_progress', 'paused'))) as left_behind
    from active a cross join lateral (
      select count(*)::integer as tries, max(r.completed_at) as tried_at from rekey.rotations r
      where r.tenant_id = a.tenant_id and r.status in ('failed', 'cancelled') and r.previous_dek_id = a.id
        and r.policy_version is not null and r.switched_at is null) t
  )
  select s.tenant_id, s.id, case
      when s.tries >= 5 or s.left_behind then 'orphaned'
      when s.overdue_at <= clock_timestamp() or s.seals >= s.seals_max then 'overdue'
      when s.due_at <= clock_timestamp() or s.seals >= 0.9 * s.seals_max then 'due'
      else 'fresh' end,
    s.due_at, s.overdue_at, s.tries, s.tried_at, s.policy, s.version
  from seen s
$$;
revoke execute on function rekey.policy_standing(uuid) from public;
