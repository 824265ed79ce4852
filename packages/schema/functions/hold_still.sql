-- The first half of pausing an unfinished rotation, in one transaction with rekey.pause_rotation: locks it and takes its ranges from
-- whoever sweeps them. Nobody's batch, and nobody who has a range's row for longer, keeps the caller for more than a moment: a batch
-- that takes longer is the last one, and counts (rekey.take_ranges). What ends a rotation waits for it: rekey.halt_rotation. No row: it has
-- ended, or there is none.
create or replace function rekey.hold_still(rotation uuid) returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  patience_ms constant integer := 700;
  patient_until constant timestamptz := clock_timestamp() + make_interval(secs => patience_ms / 1000.0);
  lock_timeout_before constant text := current_setting('lock_timeout');
  before_ms constant numeric := extract(epoch from lock_timeout_before::interval) * 1000;
  halted rekey.rotations;
begin
  begin
    perform set_config('lock_timeout', patience_ms::text, true);
    select * into halted from rekey.rotations r
      where r.id = rotation and r.status in ('in_progress', 'paused') for update;
  exception when lock_not_available or deadlock_detected then
    -- A batch that names records shares the key of this row until it ends, and a claim does. What they do behind this is turned
    -- away, as in rekey.take_ranges; another change of the row is waited for, for what is left of the caller's own patience.
    if before_ms > 0 then
      perform set_config('lock_timeout', greatest(1, before_ms - patience_ms)::bigint::text, true);
    end if;
    select * into halted from rekey.rotations r
      where r.id = rotation and r.status in ('in_progress', 'paused') for no key update;
  end;
  perform set_config('lock_timeout', lock_timeout_before, true);
  if halted.id is null then
    return;
  end if;
  perform rekey.take_ranges(rotation, patient_until);
  return next halted;
end
$$;
