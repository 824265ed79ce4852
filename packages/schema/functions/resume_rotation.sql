-- Lets a paused rotation run again, from where it stands. No row: it is not paused.
create or replace function rekey.resume_rotation(rotation uuid, reason text, actor jsonb) returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.say_who_and_why(actor, reason);
  return query
    update rekey.rotations r
    set status = 'in_progress', version = r.version + 1, heartbeat_at = clock_timestamp(),
      waiting_for = null, waiting_detail = null
    where r.id = rotation and r.status = 'paused' returning r.*;
end
$$;
