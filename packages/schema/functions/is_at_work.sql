-- Whether a process is to be counted on: one that has missed four signs of life is not, and nothing waits for it. Of what it used
-- that says nothing: rekey.process_state.
create or replace function rekey.is_at_work(heartbeat_at timestamptz, beat_at timestamptz, ended_at timestamptz) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select rekey.process_state(heartbeat_at, ended_at) = 'live'
    and coalesce(beat_at > clock_timestamp() - interval '45 seconds', true)
$$;
revoke execute on function rekey.is_at_work(timestamptz, timestamptz, timestamptz) from public;
