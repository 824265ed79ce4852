-- Events are cut off only at a checkpoint from before they had to be kept, and no event under it may be younger: whoever does
-- it. What is written down of a cut stays.
create or replace function rekey.guard_event_cut() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  years constant bigint := rekey.setting('audit_retention_years');
  horizon timestamptz;
  cut_before bigint;
begin
  if tg_op = 'UPDATE' then
    if (new.tree_size, new.cut_at, new.years) = (old.tree_size, old.cut_at, old.years)
      and new.cut_to between old.cut_to and new.tree_size then
      return new;
    end if;
  elsif tg_op = 'INSERT' then
    select max(c.tree_size) into cut_before from rekey.event_cuts c;
    if years is null or years > 1000 or new.years <> years or new.cut_to <> coalesce(cut_before, 0)
      or new.tree_size <= cut_before or abs(extract(epoch from clock_timestamp() - new.cut_at)) > 60 then
      raise exception 'Nothing is cut off: events are kept, or it does not follow the last cut' using errcode = 'RK012';
    end if;
    horizon := clock_timestamp() - make_interval(years => years::integer);
    perform from rekey.log_checkpoints c where c.tree_size = new.tree_size and c.made_at < horizon;
    if not found or exists (
      select from rekey.log_leaves l join rekey.events e on (e.chain, e.sequence) = (l.chain, l.sequence)
      where l.index >= new.cut_to and l.index < new.tree_size and e.at >= horizon) then
      raise exception 'What is under this checkpoint is to be kept for % years', years using errcode = 'RK012';
    end if;
    return new;
  end if;
  raise exception 'What is recorded never changes' using errcode = 'RK010';
end
$$;
