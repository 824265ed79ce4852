-- How the active DEK of each tenant for which a policy says when it is to be rotated stands by it, or of one tenant. `due`: its
-- time has come, up to a tenth of the interval early, by a share that is its tenant's for good, so that tenants who began together
-- come apart; or nine tenths of its seals are spent. `overdue`: the interval has passed, or the seals are spent. `orphaned`: five tries in a row
-- ended without a switch, or records were left on an older DEK that is older than the interval.
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
  with standard as materialized (
    select coalesce(max(l.version), 0) as version, coalesce((array_agg(l.policy))[1], '{}') as policy,
      rekey.merge_policies(coalesce((array_agg(l.policy))[1], '{}'), null) as merged
    from (select p.version, p.policy from rekey.policies p where p.tenant_id is null order by p.version desc limit 1) l
  ), own as materialized (
    select distinct on (p.tenant_id) p.tenant_id, p.version, p.policy from rekey.policies p
    where p.tenant_id is not null and (of_tenant is null or p.tenant_id = of_tenant)
    order by p.tenant_id, p.version desc
  ), merged as materialized (
    select d.policy, rekey.merge_policies((select s.policy from standard s), d.policy) as merged
    from (select o.policy from own o group by o.policy) d
  ), active as materialized (
    select d.tenant_id, d.id, d.activated_at, m.policy,
      (select s.version from standard s) || '.' || coalesce(o.version, 0) as version,
      (m.policy ->> 'rotateEveryDays')::integer * interval '24 hours' as every,
      (m.policy ->> 'rotateBeforeSeals')::bigint as seals_max,
      ('x' || left(md5(d.tenant_id::text), 8))::bit(32)::bigint / 4294967296.0 * 0.1 as early
    from rekey.deks d
      left join own o on o.tenant_id = d.tenant_id
      left join merged g on g.policy = o.policy
      cross join lateral (select coalesce(g.merged, (select s.merged from standard s)) as policy offset 0) m
    where d.state = 'active' and (of_tenant is null or d.tenant_id = of_tenant)
      and (m.policy ->> 'rotateEveryDays' is not null or m.policy ->> 'rotateBeforeSeals' is not null)
  ), ended as materialized (
    select r.tenant_id, r.previous_dek_id, r.new_dek_id, r.status, r.policy_version, r.switched_at, r.started_at, r.completed_at
    from rekey.rotations r
    where r.status in ('failed', 'cancelled', 'completed_with_failures') and (of_tenant is null or r.tenant_id = of_tenant)
  ), tried as (
    select e.previous_dek_id as dek_id, count(*)::integer as tries, max(e.completed_at) as tried_at
    from ended e
    where e.status <> 'completed_with_failures' and e.policy_version is not null and e.switched_at is null
    group by 1
  ), left_behind as (
    select distinct a.id
    from active a join ended e on e.new_dek_id = a.id and e.tenant_id = a.tenant_id join rekey.deks p on p.id = e.previous_dek_id
    where e.switched_at is not null and p.activated_at + a.every < clock_timestamp()
      and not exists (select from rekey.rotations l where l.tenant_id = a.tenant_id and l.started_at > e.started_at
        and l.status in ('completed', 'in_progress', 'paused'))
  ), sealed as (
    select c.id, sum(c.seals) as seals from (
      select a.id, s.seals from active a join rekey.dek_seals s on s.dek_id = a.id where a.seals_max is not null
      union all
      select a.id, g.sealed from active a join rekey.rotations r on r.new_dek_id = a.id
        join rekey.rotation_ranges g on g.rotation_id = r.id where a.seals_max is not null) c
    group by 1
  ), seen as (
    select a.*, a.activated_at + a.every * (1 - a.early) as due_at, a.activated_at + a.every as overdue_at,
      coalesce(t.tries, 0) as tries, t.tried_at, b.id is not null as left_behind,
      case when a.seals_max is not null then coalesce(s.seals, 0) end as seals
    from active a
      left join tried t on t.dek_id = a.id
      left join left_behind b on b.id = a.id
      left join sealed s on s.id = a.id
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
