-- Ends a running rotation as completed, if it still is the version that was read; the guard of the table looks whether all
-- of it is proved (rekey.guard_rotation). No row: somebody else changed it meanwhile.
create or replace function rekey.complete_rotation(
  rotation uuid, as_of bigint, final_status text, final_progress jsonb, ended_at timestamptz
) returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if final_status not in ('completed', 'completed_with_failures') then
    raise exception 'A rotation is not completed as %', final_status using errcode = 'RK005';
  end if;
  return query
    update rekey.rotations r
    set status = final_status, phase = 'done', progress = final_progress, version = r.version + 1,
      waiting_for = null, waiting_detail = null, drained_at = coalesce(r.drained_at, ended_at), completed_at = ended_at,
      heartbeat_at = clock_timestamp()
    where r.id = rotation and r.status = 'in_progress' and r.version = as_of
    returning r.*;
end
$$;
