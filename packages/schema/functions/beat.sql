-- A sign of life for a running rotation, and what it waits for. What holds up one of its ranges is not passed over by the
-- beats of the others. Of a KEK that is refused a range does not know the name: it counts while the rotation has it, and then before
-- what others wait for, which would take the name away. No row: it is not running. Whoever calls this then reads the ranges and
-- keeps what they say by rekey.keep_progress, in the same transaction: concurrent beats take turns on the rotation's row.
create or replace function rekey.beat(rotation uuid, waits_for text, detail jsonb) returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Held first: what stands beside it is seen as of then. Who closes its windows has the row for as long as batches commit, and a
  -- beat that had looked before, and waited, would say until they open that it waits for nothing.
  perform from rekey.rotations r where r.id = rotation and r.status = 'in_progress' for no key update;
  if not found then
    return;
  end if;
  return query
    with now_waiting as materialized (
      select coalesce(
        case when w.window_opens_at > clock_timestamp() then 'window' end,
        case when w.waiting_for = 'kek_suspended' and coalesce(waits_for, 'lock') in ('lock', 'kms', 'database') and exists (
          select from rekey.rotation_ranges g
          where g.rotation_id = rotation and g.proved_at is null and g.waiting_for = 'kek_suspended') then w.waiting_for end,
        waits_for,
        (select coalesce(g.waiting_for, 'lock') from rekey.rotation_ranges g
          where g.rotation_id = rotation and g.proved_at is null and (g.waiting_for <> 'kek_suspended'
            or g.waiting_for is null and g.swept and g.owner is null and exists (
              select from rekey.dek_drains h where h.tenant_id = w.tenant_id))
          order by g.target, g.ordinal limit 1)) as it
      from rekey.rotations w where w.id = rotation)
    update rekey.rotations r
    set version = r.version + 1, heartbeat_at = clock_timestamp(), waiting_for = now_waiting.it,
      -- Since when is kept as long as it is the same; a beat that knows no more leaves the detail as it is.
      waiting_detail = case
        when now_waiting.it = 'window' then r.waiting_detail
        when detail is null or now_waiting.it is distinct from waits_for
          then case when now_waiting.it = r.waiting_for then r.waiting_detail end
        when detail ->> 'what' = r.waiting_detail ->> 'what'
          or (now_waiting.it = 'integrity' and r.waiting_for = 'integrity' and r.waiting_detail is not null)
          then detail || jsonb_build_object('since', r.waiting_detail -> 'since')
        when detail ->> 'since' is null and now_waiting.it = 'integrity'
          then detail || jsonb_build_object('since',
            to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
        else detail end
    from now_waiting
    where r.id = rotation and r.status = 'in_progress' returning r.*;
end
$$;
