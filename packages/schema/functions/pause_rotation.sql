-- Pauses a running rotation that rekey.halt_rotation has locked in this transaction: nothing of it is planned, swept or proved
-- until it is resumed. What was switched stays so, and drains. No row: it is not running. `reason` is the caller's, or null.
create or replace function rekey.pause_rotation(
  rotation uuid, reason text, final_progress jsonb, actor jsonb
) returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.say_who_and_why(actor, reason);
  return query
    update rekey.rotations r
    set status = 'paused', version = r.version + 1, progress = final_progress, heartbeat_at = clock_timestamp(),
      waiting_for = null, waits = null, waiting_detail = jsonb_build_object(
        'what', 'paused by ' || coalesce(actor ->> 'name', actor ->> 'id', session_user)
          || coalesce(': ' || pause_rotation.reason, ''),
        'since', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'todo', 'resume it, or cancel it to free the tenant')
    where r.id = rotation and r.status = 'in_progress' returning r.*;
end
$$;
