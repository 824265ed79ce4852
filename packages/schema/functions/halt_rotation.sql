-- The first half of ending an unfinished rotation before its time, in one transaction with rekey.close_rotation: locks it
-- and takes its ranges from whoever sweeps them, so that its counts stand still for good. Waits for batches under way, and turns later
-- ones away; once it is paused (rekey.hold_still) there are none but the last of each range. No row: it has ended, or there is none.
create or replace function rekey.halt_rotation(rotation uuid) returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query select r.* from rekey.rotations r
    where r.id = rotation and r.status in ('in_progress', 'paused') for update;
  if found then
    update rekey.rotation_ranges g set owner = null where g.rotation_id = rotation and g.owner is not null;
  end if;
end
$$;
