-- Says that a process holds back its sweep of a rotation and what for, or with a null for the signal that it does so no more.
-- The first process that does makes an event, a stop of what was only slowed another, and the last that ends it one. Of a
-- rotation that has ended there is none: its end says it.
create or replace function rekey.note_throttle(rotation uuid, process uuid, signal text, level text, detail text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant uuid;
  is_unfinished boolean;
  level_before text;
  level_after text;
  began timestamptz;
begin
  select r.tenant_id into tenant from rekey.rotations r where r.id = rotation;
  if not found then
    return;
  end if;
  -- Processes that begin or end at the same moment take turns, and each sees what the other has committed.
  perform pg_advisory_xact_lock(hashtextextended('rekey.throttle ' || rotation::text, 0));
  select max(t.level), min(t.since) into level_before, began from rekey.rotation_throttles t where t.rotation_id = rotation;
  select r.status in ('in_progress', 'paused') into is_unfinished from rekey.rotations r where r.id = rotation;
  delete from rekey.rotation_throttles t where t.rotation_id = rotation and (not is_unfinished
    or t.process_id = process and note_throttle.signal is null or t.seen_at < clock_timestamp() - interval '10 seconds');
  if not is_unfinished then
    return;
  end if;
  if note_throttle.signal is not null then
    insert into rekey.rotation_throttles as t (rotation_id, process_id, signal, level, detail)
    values (rotation, process, note_throttle.signal, note_throttle.level, left(note_throttle.detail, 1000))
    on conflict (rotation_id, process_id) do update set signal = excluded.signal, level = excluded.level,
      detail = excluded.detail, seen_at = excluded.seen_at,
      since = case when t.signal = excluded.signal then t.since else excluded.since end;
  end if;
  select max(t.level) into level_after from rekey.rotation_throttles t where t.rotation_id = rotation;
  -- 'stop' sorts behind 'slow'.
  if level_after > coalesce(level_before, '') then
    perform rekey.append_event(tenant, 'rotation.throttled', rotation, jsonb_build_object(
      'signal', note_throttle.signal, 'level', note_throttle.level, 'detail', left(note_throttle.detail, 1000)));
  elsif level_before is not null and level_after is null then
    perform rekey.append_event(tenant, 'rotation.unthrottled', rotation, jsonb_build_object(
      'seconds', round(extract(epoch from clock_timestamp() - began)::numeric, 1)));
  end if;
end
$$;
revoke execute on function rekey.note_throttle(uuid, uuid, text, text, text) from public;
