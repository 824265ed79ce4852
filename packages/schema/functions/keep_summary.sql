-- Folds what was appended to the summary's counts since. Counts all of it where that was never done, once those have ended who may have
-- changed something without saying so, by functions of the version before; and once a day, in which somebody may have passed by the
-- triggers. Whether it had its turn: not while another has.
create or replace function rekey.keep_summary() returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  kept rekey.summary_state;
  now_open constant pg_snapshot := pg_current_snapshot();
begin
  select * into kept from rekey.summary_state for update skip locked;
  if not found then
    return false;
  end if;
  if kept.settled_at is not null and kept.counted_at between clock_timestamp() - interval '24 hours' and clock_timestamp() then
    with taken as (
      delete from rekey.summary_deltas returning what, hour, delta)
    insert into rekey.summary_counts as c (what, hour, counted)
      select t.what, t.hour, sum(t.delta) from taken t group by 1, 2 having sum(t.delta) <> 0
      on conflict (what, hour) do update set counted = c.counted + excluded.counted;
    if found then
      delete from rekey.summary_counts c where c.counted = 0;
    end if;
    return true;
  end if;

  if kept.settled_at is null then
    -- In a restored database transactions may be counted from anew.
    if kept.heard_since is null or kept.heard_since >= pg_snapshot_xmax(now_open) then
      update rekey.summary_state set heard_since = pg_current_xact_id();
      return true;
    elsif kept.heard_since >= pg_snapshot_xmin(now_open) then
      return true;
    end if;
  end if;
  -- A statement sees what was appended if, and only if, it sees what that is about: both were committed together.
  with forgotten as (
    delete from rekey.summary_deltas
  ), counted as materialized (
    select * from rekey.count_figures(null)
  ), gone as (
    delete from rekey.summary_counts c
    where not exists (select from counted n where (n.what, n.hour) = (c.what, c.hour))
  )
  insert into rekey.summary_counts as c (what, hour, counted) select n.what, n.hour, n.counted from counted n
    on conflict (what, hour) do update set counted = excluded.counted where c.counted <> excluded.counted;
  -- One whose need ends meanwhile may stand here once more: whoever reads this looks (rekey.summarize).
  with found as materialized (
    select * from rekey.find_needs(null)
  ), gone as (
    delete from rekey.rotation_needs k where not exists (select from found f where f.rotation_id = k.rotation_id)
  )
  insert into rekey.rotation_needs select f.* from found f on conflict do nothing;

  update rekey.summary_state set counted_at = clock_timestamp(), settled_at = coalesce(settled_at, clock_timestamp());
  return true;
end
$$;
revoke execute on function rekey.keep_summary() from public;
