-- Locks the row of a lease until the caller's transaction ends; false when the lease is lost. What a batch of the sweep
-- does first: a worker that lost its lease writes nothing. So does one whose rotation was halted, or came to the end of its windows, by
-- somebody who did not wait for the batch before (rekey.take_ranges): it gives the range back.
create or replace function rekey.hold_lease(rotation uuid, range_target text, range_ordinal integer, lease uuid)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rekey.rotation_ranges g
    where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.owner = lease
    for update;
  if not found then
    return false;
  end if;
  -- Once the row is had: as of then, and not as of when the batch began.
  if exists (select from rekey.rotations r where r.id = rotation and r.status = 'in_progress'
      and coalesce(r.window_opens_at <= clock_timestamp(), true)) then
    return true;
  end if;
  update rekey.rotation_ranges g set owner = null
    where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.owner = lease
      and g.proved_at is null;
  return false;
end
$$;
