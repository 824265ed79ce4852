-- What holds for each tenant that has a policy of its own, or for one of them, and, in the row without a tenant, for all others.
-- Policies that say the same are merged once.
create or replace function rekey.policies_held(of_tenant uuid)
returns table (tenant_id uuid, policy jsonb, policy_version text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with standard as materialized (
    select coalesce(max(l.version), 0) as version, coalesce((array_agg(l.policy))[1], '{}') as policy
    from (select p.version, p.policy from rekey.policies p where p.tenant_id is null order by p.version desc limit 1) l
  ), own as materialized (
    select distinct on (p.tenant_id) p.tenant_id, p.version, p.policy from rekey.policies p
    where p.tenant_id is not null and (of_tenant is null or p.tenant_id = of_tenant)
    order by p.tenant_id, p.version desc
  ), merged as materialized (
    select d.policy, rekey.merge_policies((select s.policy from standard s), d.policy) as merged
    from (select o.policy from own o group by o.policy) d
  )
  select null::uuid, rekey.merge_policies(s.policy, null), s.version || '.0' from standard s
  union all
  select o.tenant_id, g.merged, s.version || '.' || o.version
  from own o cross join standard s join merged g on g.policy = o.policy
$$;
revoke execute on function rekey.policies_held(uuid) from public;
