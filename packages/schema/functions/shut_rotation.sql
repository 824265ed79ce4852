-- The windows of a rotation, whose row this transaction has locked, are closed until then: whoever sweeps its ranges loses them
-- (rekey.take_ranges), and none is given out before. With null they are open.
create or replace function rekey.shut_rotation(rotation uuid, opens_at timestamptz) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  if opens_at is not null then
    perform rekey.take_ranges(rotation, clock_timestamp() + interval '700 milliseconds');
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
