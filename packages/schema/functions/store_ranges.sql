-- Stores the slices that lie next to a stored one or at the beginning, claimed if there is an owner; those. A row of nulls:
-- none of them; no row: the rotation is over, or not switched yet. The lock on the rotation keeps a plan from slipping
-- past a cancel.
create or replace function rekey.store_ranges(
  rotation uuid, targets text[], ordinals integer[], lowers text[], uppers text[], plans bigint[], claimed_by uuid
) returns table (
  target text, ordinal integer, planned bigint, owner uuid, lower_id text, upper_id text, cursor_id text
)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    with running as materialized (
      select r.id, r.phase from rekey.rotations r
      where r.id = rotation and r.status = 'in_progress' and r.switched_at is not null for key share),
    moved_on as (
      update rekey.rotations r set phase = 'sweeping', heartbeat_at = clock_timestamp()
      from running where r.id = running.id and r.status = 'in_progress' and r.phase = 'activating'),
    stored as (
      insert into rekey.rotation_ranges
        (rotation_id, target, ordinal, lower_id, upper_id, planned, owner, heartbeat_at, id_order)
      select running.id, s.target, s.ordinal, s.lower_id, s.upper_id, s.planned, claimed_by,
        case when claimed_by is not null then clock_timestamp() end,
        -- One that holds everything holds it in any order.
        case when s.lower_id is not null or s.upper_id is not null then rekey.id_order(s.target) end
      from running, unnest(targets, ordinals, lowers, uppers, plans)
        as s(target, ordinal, lower_id, upper_id, planned)
      where s.ordinal = 0 and s.lower_id is null or exists (
        select from rekey.rotation_ranges g
        where g.rotation_id = rotation and g.target = s.target and g.ordinal = s.ordinal - 1
          and g.upper_id = s.lower_id)
      on conflict do nothing
      returning target, ordinal, planned, owner, lower_id, upper_id, cursor_id)
    select stored.target, stored.ordinal, stored.planned, stored.owner, stored.lower_id, stored.upper_id,
      stored.cursor_id
    from running left join stored on true;
end
$$;
