-- Makes sure that there is a tenant of that id and name, without a DEK: its first rotation gives it one. `outcome` is 'added',
-- 'there', or 'other_name', which changes nothing; with what it has by now: its active DEK, and the rotation that is unfinished.
create or replace function rekey.add_tenant(tenant uuid, tenant_name text, actor jsonb)
returns table (outcome text, created_at timestamptz, dek uuid, rotation uuid)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  added boolean;
begin
  perform rekey.say_who_and_why(actor, null);
  insert into rekey.tenants (id, name) values (tenant, tenant_name) on conflict do nothing;
  added := found;
  return query
    select case when added then 'added' when t.name = tenant_name then 'there' else 'other_name' end, t.created_at,
      (select d.id from rekey.deks d where d.tenant_id = tenant and d.state = 'active'),
      (select r.id from rekey.rotations r where r.tenant_id = tenant and r.status in ('in_progress', 'paused'))
    from rekey.tenants t where t.id = tenant;
end
$$;
revoke execute on function rekey.add_tenant(uuid, text, jsonb) from public;
