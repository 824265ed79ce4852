-- How long a rotation of so many items that is called for now will take, by what was measured here and what stands before it.
-- Under the settings of its callers, whose statements keep it from reading all rotations that ever were.
--
-- What it reads it keeps for a second, for its session: thousands may be called for while thousands stand before them. Nothing
-- but an estimate rests on what is kept, which whoever owns the session could write.
create or replace function rekey.seconds_expected(items numeric) returns float8
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Assumed before this installation has finished a rotation worth measuring. Row-by-row re-encryption reaches about that
  -- much on modest hardware, so it errs towards a late estimate.
  assumed_items_per_second constant numeric := 2000;
  -- Smaller rotations measure the fixed cost, not the rate.
  items_worth_measuring constant numeric := 1000;
  -- What every rotation costs whatever its size: queue, KMS, switch, plan and proof.
  fixed_cost_seconds constant numeric := 1;
  -- More that are unfinished are not counted.
  counted_max constant integer := 20000;
  now_ms constant bigint := extract(epoch from clock_timestamp()) * 1000;
  kept text[];
  items_per_second numeric;
  items_ahead numeric;
begin
  kept := regexp_match(current_setting('rekey.queue_seen', true), '^(\d{1,18}) (\d{1,18}) (\d{1,18})$');
  if now_ms - kept[1]::bigint between 0 and 1000 then
    items_per_second := kept[2]::numeric;
    items_ahead := kept[3]::numeric;
  else
    -- The rate of the last twenty rotations that finished here, of those that were worth measuring. A retry was not at work
    -- when its DEK was switched to.
    select sum(recent.items) / nullif(sum(recent.seconds), 0) into items_per_second from (
      select (select sum(rotated.value::numeric) from jsonb_each_text(r.progress -> 'rotated') rotated) as items,
        greatest(extract(epoch from r.completed_at - greatest(r.switched_at, r.started_at)), 0.001) as seconds
      from rekey.rotations r
      where r.completed_at is not null and r.status in ('completed', 'completed_with_failures')
      order by r.completed_at desc limit 20) recent
    where recent.items >= items_worth_measuring;
    items_per_second := greatest(round(coalesce(items_per_second, assumed_items_per_second)), 1);

    -- Items of unfinished rotations that stand before this one: with more than fifty, by the average of fifty.
    select coalesce(avg((select sum(ahead.value::numeric)
        from jsonb_each_text(coalesce(sampled.progress -> 'remaining', sampled.items_to_rotate)) ahead)), 0)
      * (select count(*) from (
          select from rekey.rotations r where r.status = 'in_progress' limit counted_max) unfinished)
    into items_ahead from (
      select r.progress, r.items_to_rotate from rekey.rotations r where r.status = 'in_progress' limit 50) sampled;
    perform set_config('rekey.queue_seen',
      format('%s %s %s', now_ms, items_per_second, round(items_ahead)), false);
  end if;
  return fixed_cost_seconds + (items + items_ahead) / items_per_second;
end
$$;
revoke execute on function rekey.seconds_expected(numeric) from public;
