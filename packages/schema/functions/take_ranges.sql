-- Takes the ranges of a rotation, whose row this transaction has locked, from whoever sweeps them: batches that are committing are
-- waited for, later ones turned away. Not for longer than that: a range whose row somebody holds until then stays its owner's, who
-- finds by the rotation's row that nothing is to be swept (rekey.hold_lease), so that a batch, however slow, is the last one.
create or replace function rekey.take_ranges(rotation uuid, patient_until timestamptz) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  lock_timeout_before constant text := current_setting('lock_timeout');
  held record;
begin
  update rekey.rotation_ranges g set owner = null
    where g.rotation_id = rotation and (g.target, g.ordinal) in (
      select f.target, f.ordinal from rekey.rotation_ranges f
      where f.rotation_id = rotation and f.owner is not null for update skip locked);
  for held in
    select g.target, g.ordinal from rekey.rotation_ranges g where g.rotation_id = rotation and g.owner is not null
  loop
    exit when clock_timestamp() >= patient_until;
    begin
      perform set_config('lock_timeout',
        ceil(1 + extract(epoch from greatest(patient_until - clock_timestamp(), '0')) * 1000)::bigint::text, true);
      update rekey.rotation_ranges g set owner = null
        where g.rotation_id = rotation and g.target = held.target and g.ordinal = held.ordinal and g.owner is not null;
      perform set_config('lock_timeout', lock_timeout_before, true);
    exception when lock_not_available or deadlock_detected then
      null; -- as is said above; with this the setting is as it was before
    end;
  end loop;
end
$$;
revoke execute on function rekey.take_ranges(uuid, timestamptz) from public;
