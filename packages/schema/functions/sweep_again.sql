-- What unfinished rotations have proved of a target is swept and proved again, since records may have been written past its
-- fence meanwhile. Where its ids stand in another order than when ranges were cut, those overlap, and would count records twice:
-- one range from minus to plus infinity takes the place of all, with what they counted.
create or replace function rekey.sweep_again(target_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  order_now constant text := rekey.id_order(target_name);
  reordered uuid;
begin
  perform set_config('rekey.sweeping_again', target_name, true);
  for reordered in
    select distinct g.rotation_id from rekey.rotation_ranges g join rekey.rotations r on r.id = g.rotation_id
    where r.status in ('in_progress', 'paused') and g.target = target_name and g.id_order <> order_now
  loop
    with others as (
      delete from rekey.rotation_ranges g
      where g.rotation_id = reordered and g.target = target_name and g.ordinal > 0 returning g.*)
    update rekey.rotation_ranges g
      set lower_id = null, upper_id = null, id_order = null, planned = g.planned + o.planned, rotated = g.rotated + o.rotated,
        failed = g.failed + o.failed, sealed = g.sealed + o.sealed
      from (select coalesce(sum(o.planned), 0) as planned, coalesce(sum(o.rotated), 0) as rotated,
          coalesce(sum(o.failed), 0) as failed, coalesce(sum(o.sealed), 0) as sealed from others o) o
      where g.rotation_id = reordered and g.target = target_name and g.ordinal = 0;
    update rekey.rotation_failures f set ordinal = 0 where f.rotation_id = reordered and f.target = target_name;
  end loop;
  update rekey.rotation_ranges g
    set proved_at = null, proof_id = null, seen = null, owner = null, cursor_id = null, pass = g.pass + 1, swept = false
    from rekey.rotations r
    where r.id = g.rotation_id and r.status in ('in_progress', 'paused') and g.target = target_name;
  perform set_config('rekey.sweeping_again', '', true);
end
$$;
