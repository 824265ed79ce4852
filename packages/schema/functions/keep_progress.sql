-- Keeps what is told of a running rotation, if it still is the version that was read; and, where one is due, how far it is now
-- for whoever looks at it later: each second, and once there are 360 of them every other one goes and the interval doubles. The
-- first is due after a second, so that small rotations, of which there are many, keep none.
create or replace function rekey.keep_progress(rotation uuid, as_of bigint, told jsonb) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  samples_max constant integer := 360;
  kept record;
  last rekey.rotation_samples;
begin
  update rekey.rotations r set progress = told where r.id = rotation and r.version = as_of and r.status = 'in_progress'
    returning greatest(r.started_at, r.switched_at) as began, r.waiting_for into kept;
  if not found then
    return;
  end if;
  select * into last from rekey.rotation_samples s where s.rotation_id = rotation order by s.at desc limit 1;
  if not found then
    last.place := 0;
    last.at := kept.began;
    last.every_seconds := 1;
  end if;
  if clock_timestamp() < last.at + make_interval(secs => last.every_seconds) then
    return;
  end if;
  if last.place >= samples_max then
    delete from rekey.rotation_samples s where s.rotation_id = rotation and s.place % 2 = 1;
    update rekey.rotation_samples s set place = s.place / 2, every_seconds = last.every_seconds * 2
      where s.rotation_id = rotation;
    last.place := last.place / 2;
    last.every_seconds := last.every_seconds * 2;
    if clock_timestamp() < last.at + make_interval(secs => last.every_seconds) then
      return;
    end if;
  end if;
  insert into rekey.rotation_samples
      (rotation_id, at, place, every_seconds, items_done, items_per_second, waiting_for)
    select rotation, clock_timestamp(), last.place + 1, last.every_seconds,
      (select coalesce(sum(d.value::bigint), 0) from (
        select * from jsonb_each_text(coalesce(told -> 'rotated', '{}'))
        union all select * from jsonb_each_text(coalesce(told -> 'failed', '{}'))) d),
      coalesce((told ->> 'itemsPerSecond')::numeric, 0), kept.waiting_for
    on conflict do nothing;
end
$$;
