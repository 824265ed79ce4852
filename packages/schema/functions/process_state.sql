-- Whether a process of the register is live: one that missed three heartbeats of a minute is silent until it is heard again.
create or replace function rekey.process_state(heartbeat_at timestamptz, ended_at timestamptz) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case when ended_at is not null then 'ended'
    when heartbeat_at < clock_timestamp() - interval '180 seconds' then 'silent' else 'live' end
$$;
