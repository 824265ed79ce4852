-- Cuts off events that are older than they are to be kept, at the latest checkpoint that allows it; rekey.guard_event_cut says
-- which do. At most so many leaves at a time, in the order of the log, so that what is left of each chain has no gap: how many
-- were looked at. 0: nothing is to be cut, or somebody else is at it. While events are kept for ever it does nothing.
create or replace function rekey.cut_events(at_most integer) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  years constant bigint := rekey.setting('audit_retention_years');
  cut rekey.event_cuts;
  size bigint;
  up_to bigint;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('rekey cuts events', 0)) then
    return 0;
  end if;
  select * into cut from rekey.event_cuts c order by c.tree_size desc limit 1;
  if not found or cut.cut_to = cut.tree_size then
    if years is null or years > 1000 then
      return 0;
    end if;
    select max(c.tree_size) into size from rekey.log_checkpoints c
      where c.made_at < clock_timestamp() - make_interval(years => years::integer) - interval '1 minute';
    if size is null or size <= coalesce(cut.tree_size, 0) then
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
  delete from rekey.events e using rekey.log_leaves l
    where l.index >= cut.cut_to and l.index < up_to and (e.chain, e.sequence) = (l.chain, l.sequence);
  update rekey.event_cuts c set cut_to = up_to where c.tree_size = cut.tree_size;
  return up_to - cut.cut_to;
end
$$;
revoke execute on function rekey.cut_events(integer) from public;
