-- Active DEKs beside which an older one has records: a rotation to them, which `rotation_id` names, ended behind its switch and
-- otherwise than well, and none has ended well or runs since. With since when the older one is out of use, how often policies
-- have retried it to no avail, and when they last did.
create or replace function rekey.left_behind(of_tenant uuid)
returns table (
  dek_id uuid, tenant_id uuid, rotation_id uuid, older_activated_at timestamptz, out_of_use_at timestamptz,
  retries integer, retried_at timestamptz
)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with ended as materialized (
    select r.id, r.tenant_id, r.previous_dek_id, r.new_dek_id, r.started_at, r.completed_at,
      r.retry_of is not null and r.policy_version is not null as is_policys
    from rekey.rotations r
    where r.status in ('failed', 'cancelled', 'completed_with_failures') and r.switched_at is not null
      and (of_tenant is null or r.tenant_id = of_tenant)
  )
  select a.id, a.tenant_id, (array_agg(e.id order by e.started_at desc, e.id desc))[1], min(p.activated_at),
    min(p.deactivated_at), count(*) filter (where e.is_policys)::integer, max(e.completed_at) filter (where e.is_policys)
  from ended e
    join rekey.deks a on a.id = e.new_dek_id and a.state = 'active'
    join rekey.deks p on p.id = e.previous_dek_id
  where not exists (select from rekey.rotations l where l.tenant_id = e.tenant_id and l.started_at > e.started_at
    and l.status in ('completed', 'in_progress', 'paused'))
  group by a.id, a.tenant_id
$$;
revoke execute on function rekey.left_behind(uuid) from public;
