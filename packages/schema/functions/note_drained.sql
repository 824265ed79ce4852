-- Tells the tenant's unfinished rotation that it has drained, if it has; its id if it was not told before.
create or replace function rekey.note_drained(tenant uuid) returns setof uuid
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    update rekey.rotations r set drained_at = clock_timestamp(), waiting_detail = null
    from rekey.deks d
    where r.tenant_id = tenant and r.status in ('in_progress', 'paused') and r.switched_at is not null
      and r.drained_at is null and d.id = r.new_dek_id
      and not exists (select from rekey.dek_locks l
        where l.tenant_id = tenant and l.closed_at is null and l.key_number <> d.key_number)
    returning r.id;
end
$$;
