-- Pauses, resumes or cancels a rewrap: whether it is otherwise than before. What was rewrapped stays so. Whoever works on it
-- finds out before it writes.
create or replace function rekey.steer_rewrap(rewrap uuid, wanted text, why text, actor jsonb) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if wanted not in ('paused', 'in_progress', 'cancelled') then
    raise exception 'A rewrap is paused, resumed or cancelled' using errcode = 'RK002';
  end if;
  perform rekey.say_who_and_why(actor, why);
  update rekey.rewraps r
    set status = wanted, owner = null, waiting_for = null, waiting_detail = null, heartbeat_at = clock_timestamp(),
      completed_at = case when wanted = 'cancelled' then clock_timestamp() end
    where r.id = rewrap and r.status in ('in_progress', 'paused') and r.status <> wanted;
  return found;
end
$$;
revoke execute on function rekey.steer_rewrap(uuid, text, text, jsonb) from public;
