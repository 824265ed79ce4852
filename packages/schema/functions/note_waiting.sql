-- Says what holds a range up, or null.
create or replace function rekey.note_waiting(rotation uuid, range_target text, range_ordinal integer, waits_for text)
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.rotation_ranges g set waiting_for = waits_for
    where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.proved_at is null;
end
$$;
