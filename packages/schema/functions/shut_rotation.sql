-- The windows of a rotation are closed until then: whoever sweeps its ranges loses them (batches that are committing are waited
-- for, later ones turned away), and none is given out before. With null they are open.
create or replace function rekey.shut_rotation(rotation uuid, opens_at timestamptz) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if opens_at is not null then
    update rekey.rotation_ranges g set owner = null where g.rotation_id = rotation and g.owner is not null;
  end if;
  update rekey.rotations r
    set window_opens_at = opens_at, version = r.version + 1,
      heartbeat_at = case r.status when 'paused' then r.heartbeat_at else clock_timestamp() end,
      waiting_for = case when r.status = 'paused' then r.waiting_for when opens_at is not null then 'window' end,
      waiting_detail = case when r.status = 'paused' then r.waiting_detail
        when opens_at is not null then jsonb_build_object(
          'what', 'outside of its windows until ' || to_char(opens_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
          'since', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
          'todo', 'nothing: it goes on by itself then; or change its windows') end
    where r.id = rotation;
end
$$;
revoke execute on function rekey.shut_rotation(uuid, timestamptz) from public;
