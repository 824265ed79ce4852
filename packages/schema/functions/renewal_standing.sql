-- How old the wrapping of DEKs is by the policy of each tenant that says how old it gets (rewrapEveryDays), or of one tenant: of
-- the DEK that was wrapped the longest ago. `due` by the tenant's share of a tenth of the interval early, as in
-- rekey.policy_standing; `orphaned`: five tries to rewrap it ended otherwise than well.
--
-- They come under the KEK that the tenant has brought, else that of the policy, else the one that its active DEK is under.
create or replace function rekey.renewal_standing(of_tenant uuid)
returns table (
  tenant_id uuid, level text, dek_id uuid, wrapped_at timestamptz, due_at timestamptz, overdue_at timestamptz, tries integer,
  tried_at timestamptz, kek_name text, kek_id text, windows jsonb, policy_version text
)
language sql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
as $$
  with held as materialized (
    select h.tenant_id, h.policy, h.policy_version, (h.policy ->> 'rewrapEveryDays')::integer * interval '24 hours' as every
    from rekey.policies_held(of_tenant) h
  ), active as materialized (
    select d.tenant_id, p.policy, p.policy_version, p.every, m.kek_id as under
    from rekey.deks d
      join rekey.dek_material m on m.dek_id = d.id
      left join held own on own.tenant_id = d.tenant_id
      join held p on p.tenant_id is not distinct from own.tenant_id
    where d.state = 'active' and (of_tenant is null or d.tenant_id = of_tenant) and p.every is not null
      and exists (select from held h where h.every is not null)
  ), oldest as materialized (
    select distinct on (a.tenant_id) a.*, m.dek_id, m.wrapped_at
    from active a
      join rekey.deks d on d.tenant_id = a.tenant_id and d.state <> 'destroyed'
      join rekey.dek_material m on m.dek_id = d.id
    order by a.tenant_id, m.wrapped_at, m.dek_id
  ), tried as (
    select o.tenant_id, count(*)::integer as tries, max(r.completed_at) as tried_at
    from oldest o join rekey.rewraps r on r.tenant_id = o.tenant_id and r.started_at > o.wrapped_at
    where r.policy_version is not null and r.status in ('cancelled', 'completed_with_failures')
    group by 1
  ), seen as (
    select o.*, coalesce(t.tries, 0) as tries, t.tried_at, o.wrapped_at + o.every as overdue_at,
      o.wrapped_at + o.every * (1 - ('x' || left(md5(o.tenant_id::text), 8))::bit(32)::bigint / 4294967296.0 * 0.1) as due_at,
      case when c.active_kek_id is not null then c.active_kek_id
        when o.policy ->> 'kek' is not null then k.kek_id else o.under end as kek_id
    from oldest o
      left join tried t on t.tenant_id = o.tenant_id
      left join rekey.kek_choices c on c.tenant_id = o.tenant_id
      left join rekey.keks k on k.name = o.policy ->> 'kek'
  )
  select s.tenant_id, case
      when s.tries >= 5 then 'orphaned'
      when s.overdue_at <= clock_timestamp() then 'overdue'
      when s.due_at <= clock_timestamp() then 'due'
      else 'fresh' end,
    s.dek_id, s.wrapped_at, s.due_at, s.overdue_at, s.tries, s.tried_at, coalesce(n.name, s.kek_id), s.kek_id,
    s.policy -> 'windows', s.policy_version
  from seen s left join rekey.keks n on n.kek_id = s.kek_id
$$;
revoke execute on function rekey.renewal_standing(uuid) from public;
