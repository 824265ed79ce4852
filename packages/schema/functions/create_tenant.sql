-- Makes sure that a tenant exists and has a DEK: with the material given if it has none yet, else with what it has.
-- 'rotation_pending': it has none, and an unfinished rotation is about to give it one. A DEK in use is never replaced by
-- this, only by a rotation.
create or replace function rekey.create_tenant(
  tenant uuid, tenant_name text, dek uuid, kek text, bytes bytea, kek_ident text default null)
returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  state_of text;
begin
  insert into rekey.tenants (id, name) values (tenant, tenant_name) on conflict do nothing;
  perform from rekey.tenants t where t.id = tenant for no key update;
  select d.state into state_of from rekey.deks d
    where d.tenant_id = tenant and d.state in ('active', 'pre_active') order by d.state limit 1;
  if found then
    return case state_of when 'active' then 'ready' else 'rotation_pending' end;
  end if;
  insert into rekey.deks (id, tenant_id, key_number, state)
    select dek, tenant, coalesce(max(d.key_number), 0) + 1, 'pre_active' from rekey.deks d where d.tenant_id = tenant;
  perform rekey.store_material(dek, kek, bytes, kek_ident);
  update rekey.deks d set state = 'active', activated_at = now() where d.id = dek;
  return 'ready';
end
$$;
