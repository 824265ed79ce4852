-- Back to where the range is proved up to, for another pass over what is left; what is proved stays so. No row: the lease
-- is lost.
create or replace function rekey.restart_range(rotation uuid, range_target text, range_ordinal integer, lease uuid)
returns table (cursor_id text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    update rekey.rotation_ranges g
    set cursor_id = g.proof_id, swept = false, pass = g.pass + 1, heartbeat_at = clock_timestamp(),
      waiting_for = nullif(g.waiting_for, 'kek_suspended')
    where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.owner = lease
    returning g.cursor_id;
end
$$;
