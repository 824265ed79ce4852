-- The first event of a tenant's chain, when its transaction commits.
create or replace function rekey.record_tenant_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.append_event(new.id, 'tenant.created', null, '{}');
  return null;
end
$$;
