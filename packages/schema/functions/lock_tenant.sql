-- Lets the calls of a tenant take turns until the caller's transaction ends; whether there is such a tenant.
create or replace function rekey.lock_tenant(tenant uuid) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rekey.tenants t where t.id = tenant for no key update;
  return found;
end
$$;
