-- Cuts off events that are older than they are to be kept, at the latest checkpoint that allows it; rekey.guard_event_cut says
-- which do. At most so many leaves at a time, in the order of the log, so that what is left of each chain has no gap: how many
-- were looked at. 0: nothing is to be cut, or somebody else is at it. While events are kept for ever it does nothing.
create or replace function rekey.cut_events(at_most integer) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  years constant bigint := rekey.setting('audit_retention_years');
  horizon timestamptz;
  cut rekey.event_cuts;
  size bigint;
  up_to bigint;
begin
  if years is null or years > 1000 then
    return 0;
  end if;
  -- Turns are taken by the row of that setting, without which nothing is cut: an advisory lock anybody may hold who may connect.
  perform from rekey.settings s where s.name = 'audit_retention_years' for no key update skip locked;
  if not found then
    return 0;
  end if;
  horizon := clock_timestamp() - make_interval(years => years::integer) - interval '1 minute';
  select * into cut from rekey.event_cuts c order by c.tree_size desc limit 1;
  if cut.cut_to < cut.tree_size then
    -- One that was begun does not go on where events are to be kept for longer since.
    perform from rekey.log_checkpoints c where c.tree_size = cut.tree_size and c.made_at < horizon;
    if not found then
      return 0;
    end if;
  else
    -- Each is an event, and so a reason for a checkpoint: without an end to it if there were no pause between them.
    select max(c.tree_size) into size from rekey.log_checkpoints c where c.made_at < horizon;
    if size is null or size <= cut.tree_size or cut.cut_at > clock_timestamp() - interval '1 day' then
      return 0;
    end if;
    begin
      insert into rekey.event_cuts (tree_size, years, cut_to) values (size, years, coalesce(cut.tree_size, 0))
        returning * into cut;
    exception when sqlstate 'RK012' then
      -- An event under it is younger, as where a clock was wrong: it waits for that one's time.
      return 0;
    end;
  end if;
  up_to := least(cut.cut_to + greatest(at_most, 1), cut.tree_size);
  with gone as (
    delete from rekey.events e using rekey.log_leaves l
      where l.index >= cut.cut_to and l.index < up_to and (e.chain, e.sequence) = (l.chain, l.sequence)
      returning e.kind, e.payload)
  -- What rekey.schedule_by_policy would have asked of it: that a key whose destruction somebody cancelled is left alone.
  insert into rekey.policy_destructions as t (dek_id, tried_at, asked)
    select d.id, clock_timestamp(), true from rekey.deks d
      where d.id in (select (g.payload ->> 'keyId')::uuid from gone g where g.kind = 'key.destruction_cancelled')
    on conflict on constraint policy_destructions_pkey do update set asked = true;
  update rekey.event_cuts c set cut_to = up_to where c.tree_size = cut.tree_size;
  return up_to - cut.cut_to;
end
$$;
revoke execute on function rekey.cut_events(integer) from public;
