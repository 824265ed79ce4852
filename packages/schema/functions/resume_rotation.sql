-- Lets a paused rotation run again, from where it stands, or wait for its windows. No row: it is not paused.
create or replace function rekey.resume_rotation(rotation uuid, reason text, actor jsonb) returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  closed_until timestamptz;
begin
  perform rekey.say_who_and_why(actor, reason);
  update rekey.rotations r
    set status = 'in_progress', version = r.version + 1, heartbeat_at = clock_timestamp(),
      waiting_for = null, waiting_detail = null
    where r.id = rotation and r.status = 'paused' returning r.window_opens_at into closed_until;
  if not found then
    return;
  end if;
  -- Nobody works on it meanwhile who would say so.
  if closed_until > clock_timestamp() then
    perform rekey.shut_rotation(rotation, closed_until);
  end if;
  return query select * from rekey.rotations r where r.id = rotation;
end
$$;
