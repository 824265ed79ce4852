-- Locks the row of a lease until the caller's transaction ends; false when the lease is lost. What a batch of the sweep
-- does first: a worker that lost its lease writes nothing.
create or replace function rekey.hold_lease(rotation uuid, range_target text, range_ordinal integer, lease uuid)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rekey.rotation_ranges g
    where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.owner = lease
    for update;
  return found;
end
$$;
