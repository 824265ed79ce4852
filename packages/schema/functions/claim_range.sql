-- Claims a range of a running rotation; no row: it is proved, held by an owner who gave a sign of life within
-- silent_ms, or not to be swept, its windows being closed or it being paused. A sign that lies far ahead tells that the clock has stepped back since. The lock on the
-- rotation keeps a claim from slipping past a cancel, and does not wait for a beat. That its KEK is refused is true until something of it
-- is done, whoever tries.
create or replace function rekey.claim_range(
  rotation uuid, range_target text, range_ordinal integer, claimed_by uuid, silent_ms integer
) returns table (lower_id text, upper_id text, cursor_id text, planned bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    with running as (
      select r.id from rekey.rotations r where r.id = rotation and r.status = 'in_progress'
        and coalesce(r.window_opens_at <= clock_timestamp(), true) for key share)
    update rekey.rotation_ranges g set owner = claimed_by, heartbeat_at = clock_timestamp(),
      waiting_for = case g.waiting_for when 'kek_suspended' then g.waiting_for end
    from running
    where g.rotation_id = running.id and g.target = range_target and g.ordinal = range_ordinal
      and g.proved_at is null and (g.owner is null
        or g.heartbeat_at < clock_timestamp() - make_interval(secs => silent_ms / 1000.0)
        or g.heartbeat_at > clock_timestamp() + interval '10 seconds')
    returning g.lower_id, g.upper_id, g.cursor_id, g.planned;
end
$$;
