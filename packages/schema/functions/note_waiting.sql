-- Says what holds a range up, or null. 'not_held': a KEK that one worker lacks, which says nothing against what the range was known to
-- wait for before.
create or replace function rekey.note_waiting(rotation uuid, range_target text, range_ordinal integer, waits_for text)
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.rotation_ranges g set waiting_for = case waits_for when 'not_held' then coalesce(g.waiting_for, 'kms') else waits_for end
    where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.proved_at is null;
end
$$;
