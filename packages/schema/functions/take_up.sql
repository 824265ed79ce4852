-- A running rotation, with a sign of life; from queued it goes on to activating. No row: it is not running, or its
-- windows are closed.
create or replace function rekey.take_up(rotation uuid)
returns table (
  id uuid, tenant_id uuid, phase text, previous_dek_id uuid, new_dek_id uuid, key_number integer, switched boolean,
  material_stored boolean
)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    update rekey.rotations r
    set phase = case r.phase when 'queued' then 'activating' else r.phase end, heartbeat_at = clock_timestamp()
    from rekey.deks d
    where r.id = rotation and r.status = 'in_progress' and d.id = r.new_dek_id
      and coalesce(r.window_opens_at <= clock_timestamp(), true)
    returning r.id, r.tenant_id, r.phase, r.previous_dek_id, r.new_dek_id, d.key_number, r.switched_at is not null,
      exists (select from rekey.dek_material m where m.dek_id = d.id);
end
$$;
