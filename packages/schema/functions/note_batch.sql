-- What a batch of the sweep did, in its transaction: names what was set aside, counts, and moves the cursor. False when the
-- lease is lost. Nothing is proved by it: what these numbers say is told, and not what a proof rests on.
create or replace function rekey.note_batch(
  rotation uuid, range_target text, range_ordinal integer, lease uuid,
  replaced bigint, seals bigint, up_to text, aside_ids text[], aside_reasons text[]
) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  aside bigint := 0;
begin
  -- Before anything is named: whoever has lost the lease names nothing. Not by rekey.hold_lease, which held it when the batch began: it
  -- turns a batch away that has not written yet, and this one is to count what it wrote, though the rotation was paused meanwhile.
  if aside_ids is not null then
    perform from rekey.rotation_ranges g
      where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.owner = lease
      for update;
    if not found then
      return false;
    end if;
    insert into rekey.rotation_failures (rotation_id, target, record_id, reason, ordinal)
      select rotation, range_target, w.id, w.reason, range_ordinal
      from unnest(aside_ids, aside_reasons) as w(id, reason)
      on conflict do nothing;
    get diagnostics aside = row_count;
  end if;
  update rekey.rotation_ranges g
    set rotated = g.rotated + greatest(replaced, 0), failed = g.failed + aside, sealed = g.sealed + greatest(seals, 0),
      cursor_id = coalesce(up_to, g.cursor_id), heartbeat_at = clock_timestamp(), waiting_for = nullif(g.waiting_for, 'kek_suspended')
    where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.owner = lease;
  return found;
end
$$;
