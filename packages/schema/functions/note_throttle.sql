-- Says that a process holds back its sweep of a rotation and what for, or with a null for the signal that it does so no more.
-- From the first process that does to the last that ends it there is one event of each signal and level, and one of the end with how
-- long it took, however often they came and went meanwhile. Of a rotation that has ended there is none: its end says it.
create or replace function rekey.note_throttle(rotation uuid, process uuid, signal text, level text, detail text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant uuid;
  is_unfinished boolean;
  is_known boolean;
  was_held boolean;
  is_held boolean;
  began timestamptz;
  is_told boolean;
begin
  -- Processes that begin or end at the same moment take turns, and each sees what the other has committed. By a row: an advisory
  -- lock anybody may hold who may connect.
  select r.tenant_id into tenant from rekey.rotations r where r.id = rotation for no key update;
  if not found then
    return;
  end if;
  select count(*) > 0,
      coalesce(bool_or(t.process_id = process and t.signal = note_throttle.signal and t.level = note_throttle.level), false)
    into was_held, is_known from rekey.rotation_throttles t where t.rotation_id = rotation;
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
  select count(*) > 0 into is_held from rekey.rotation_throttles t where t.rotation_id = rotation;
  if is_known or not (was_held or is_held) then
    return;
  end if;
  -- What was told since it was last told to be over.
  select min(e.at), coalesce(bool_or(e.payload ->> 'signal' = note_throttle.signal
      and e.payload ->> 'level' = note_throttle.level), false) into began, is_told
    from rekey.events e where e.rotation_id = rotation and e.kind = 'rotation.throttled' and e.sequence > coalesce((
      select max(o.sequence) from rekey.events o where o.rotation_id = rotation and o.kind = 'rotation.unthrottled'), 0);
  if note_throttle.signal is not null and not is_told then
    perform rekey.append_event(tenant, 'rotation.throttled', rotation, jsonb_build_object(
      'signal', note_throttle.signal, 'level', note_throttle.level, 'detail', left(note_throttle.detail, 1000)));
  elsif not is_held and began is not null then
    perform rekey.append_event(tenant, 'rotation.unthrottled', rotation, jsonb_build_object(
      'seconds', round(extract(epoch from clock_timestamp() - began)::numeric, 1)));
  end if;
end
$$;
revoke execute on function rekey.note_throttle(uuid, uuid, text, text, text) from public;
