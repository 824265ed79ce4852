-- A sign of life while nothing is written; false when the lease is lost, or nothing is to be swept (rekey.hold_lease).
create or replace function rekey.renew_lease(rotation uuid, range_target text, range_ordinal integer, lease uuid)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.rotation_ranges g set heartbeat_at = clock_timestamp()
    where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.owner = lease
      and exists (select from rekey.rotations r where r.id = rotation and r.status = 'in_progress'
        and coalesce(r.window_opens_at <= clock_timestamp(), true));
  return found;
end
$$;
