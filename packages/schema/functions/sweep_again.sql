-- What unfinished rotations have proved of a target is swept and proved again, since records may have been written past its
-- fence meanwhile.
create or replace function rekey.sweep_again(target_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('rekey.sweeping_again', target_name, true);
  update rekey.rotation_ranges g
    set proved_at = null, proof_id = null, seen = null, owner = null, cursor_id = null, pass = g.pass + 1, swept = false
    from rekey.rotations r
    where r.id = g.rotation_id and r.status in ('in_progress', 'paused') and g.target = target_name;
  perform set_config('rekey.sweeping_again', '', true);
end
$$;
