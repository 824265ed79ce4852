-- Ends a running rotation as failed, or an unfinished one as cancelled; completed it becomes by its proof only. A DEK that
-- never became active has sealed nothing and is destroyed with its material. No row: it has ended, is paused and does not
-- fail, or there is none.
create or replace function rekey.end_rotation(
  rotation uuid, final_status text, reason text, final_progress jsonb, ended_at timestamptz, actor jsonb, superseding uuid
) returns setof rekey.rotations
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  unused uuid;
begin
  if final_status not in ('failed', 'cancelled') then
    raise exception 'A rotation cannot be closed as %', final_status using errcode = 'RK005';
  end if;
  perform rekey.say_who_and_why(actor, nullif(current_setting('rekey.reason', true), ''));
  select r.new_dek_id into unused from rekey.rotations r
    where r.id = rotation and (r.status = 'in_progress' or r.status = 'paused' and final_status = 'cancelled')
    for update;
  if not found then
    return;
  end if;
  update rekey.deks d set state = 'destroyed', destroyed_at = now() where d.id = unused and d.state = 'pre_active';
  if found then
    delete from rekey.dek_material m where m.dek_id = unused;
  end if;
  return query
    update rekey.rotations r
    set status = final_status, phase = 'done', failure_reason = reason, progress = final_progress,
      version = r.version + 1, waiting_for = null, waiting_detail = null, completed_at = ended_at,
      heartbeat_at = clock_timestamp(), ended_by = actor, superseded_by = superseding
    where r.id = rotation returning r.*;
end
$$;
revoke execute on function rekey.end_rotation(uuid, text, text, jsonb, timestamptz, jsonb, uuid) from public;
