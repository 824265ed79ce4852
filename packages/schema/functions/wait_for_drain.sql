-- Waits for those who hold an older DEK of the tenant, for a moment, so that another session can see for whom
-- (rekey.blockers_of). No writer waits behind it. Raises 55P03 as long as there is one.
create or replace function rekey.wait_for_drain(tenant uuid) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('lock_timeout', '200ms', true);
  perform from rekey.dek_locks l join rekey.deks d on d.id = l.dek_id
    where l.tenant_id = tenant and l.closed_at is null and d.state <> 'active' for update of l;
end
$$;
revoke execute on function rekey.wait_for_drain(uuid) from public;
