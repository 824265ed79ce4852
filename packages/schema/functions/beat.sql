-- A sign of life for a running rotation, and what it waits for. What holds up one of its ranges is not passed over by the
-- beats of the others. Of a KEK that is refused a range does not know the name: it counts while the rotation has it, and then before
-- what others wait for, which would take the name away. No row: it is not running. Whoever calls this then reads the ranges and
-- keeps what they say by rekey.keep_progress, in the same transaction: concurrent beats take turns on the rotation's row.
--
-- Workers take turns too, and each says what it met. Since when the rotation waits for something is remembered for as long as
-- whoever says so may be away, whatever is said meanwhile; and by this clock, unless who says it knows it from elsewhere. What one
-- worker lacks ("ofOneWorker") says nothing against what a KMS has told another one.
create or replace function rekey.beat(rotation uuid, waits_for text, detail jsonb) returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  iso constant text := 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"';
  -- Longer than the longest pause of who was refused, and than a back-off.
  refused_for constant interval := '660 seconds';
  others_for constant interval := '30 seconds';
  of_one constant boolean := coalesce(detail -> 'ofOneWorker' = 'true', false);
  held rekey.rotations;
  now_at timestamptz;
  known jsonb;
  told jsonb := detail - 'ofOneWorker';
  said text := waits_for;
  it text;
  is_said boolean;
  since text;
begin
  -- Held first: what stands beside it is seen as of then. Who closes its windows has the row for as long as batches commit, and a
  -- beat that had looked before, and waited, would say until they open that it waits for nothing.
  select * into held from rekey.rotations r where r.id = rotation and r.status = 'in_progress' for no key update;
  if not found then
    return;
  end if;
  now_at := clock_timestamp();
  select coalesce(jsonb_object_agg(w.key, w.value), '{}') into known from jsonb_each(held.waits) w
    where (w.value ->> 'at')::timestamptz
      between now_at - case w.key when 'kek_suspended' then refused_for else others_for end and now_at + interval '10 seconds';
  if of_one and known ? 'kek_suspended' then
    said := 'kek_suspended';
  end if;
  it := coalesce(
    case when held.window_opens_at > now_at then 'window' end,
    case when held.waiting_for = 'kek_suspended' and coalesce(said, 'lock') in ('lock', 'kms', 'database') and exists (
      select from rekey.rotation_ranges g
      where g.rotation_id = rotation and g.proved_at is null and g.waiting_for = 'kek_suspended') then held.waiting_for end,
    said,
    (select coalesce(g.waiting_for, 'lock') from rekey.rotation_ranges g
      where g.rotation_id = rotation and g.proved_at is null and (g.waiting_for <> 'kek_suspended'
        or g.waiting_for is null and g.swept and g.owner is null and exists (
          select from rekey.dek_drains h where h.tenant_id = held.tenant_id))
      order by g.target, g.ordinal limit 1));
  is_said := waits_for is not null and it = waits_for and not (of_one and known ? it and not known -> it ? 'ofOneWorker');
  since := coalesce(known -> it ->> 'since', case when it <> 'lock' then told ->> 'since' end,
     to_char(now_at at time zone 'UTC', iso));
  if it is null then
    -- Who was refused before the switch is still to come, and the range of who was refused after it says so.
    known := case when known ? 'kek_suspended' and (held.switched_at is null or exists (
        select from rekey.rotation_ranges g
        where g.rotation_id = rotation and g.proved_at is null and g.waiting_for = 'kek_suspended'))
      then jsonb_build_object('kek_suspended', known -> 'kek_suspended') end;
  elsif is_said then
    known := known || jsonb_build_object(it, coalesce(told, '{}') - 'holders'
      || jsonb_build_object('since', since, 'at', now_at) || case when of_one then '{"ofOneWorker": true}' else '{}'::jsonb end);
  elsif known ? it and it <> 'kek_suspended' and held.waiting_for = it then
    known := jsonb_set(known, array[it, 'at'], to_jsonb(now_at));
  end if;
  return query
    update rekey.rotations r
    set version = r.version + 1, heartbeat_at = now_at, waiting_for = it, waits = nullif(known, '{}'),
      -- A beat that knows no more leaves the detail as it is.
      waiting_detail = case
        when it is null then null
        when it = 'window' then r.waiting_detail
        when is_said and told is not null then told || jsonb_build_object('since', case
          -- Whose lock it is may be known, and since when he has it.
          when it <> 'lock' or told ->> 'since' is null then since
          when told ->> 'what' = r.waiting_detail ->> 'what' then r.waiting_detail ->> 'since'
          else told ->> 'since' end)
        when is_said and held.waits -> it ? 'ofOneWorker' then null
        when it = r.waiting_for then r.waiting_detail
        when it = 'kek_suspended' then nullif(jsonb_strip_nulls(jsonb_build_object('what', known -> it -> 'what',
          'since', known -> it -> 'since', 'todo', known -> it -> 'todo')), '{}') end
    where r.id = rotation and r.status = 'in_progress' returning r.*;
end
$$;
