-- Whether there is such a tenant, for those who may not read of all of them.
create or replace function rekey.tenant_exists(tenant uuid) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (select from rekey.tenants t where t.id = tenant);
end
$$;
