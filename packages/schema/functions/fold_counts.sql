-- Folds some of the appended changes of record counts into the counts; how many. Several may do it at once: each takes rows
-- that no other has.
create or replace function rekey.fold_counts(deltas_max integer) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  folded bigint;
begin
  begin
    with taken as (
      delete from rekey.record_deltas where ctid = any (array(
        select ctid from rekey.record_deltas limit deltas_max for update skip locked))
      returning tenant_id, target, delta),
    changed as (
      insert into rekey.record_counts as c (tenant_id, target, records, churn)
      select t.tenant_id, t.target, sum(t.delta), sum(abs(t.delta)) from taken t group by 1, 2 order by 1, 2
      on conflict (tenant_id, target) do update
        set records = c.records + excluded.records, churn = c.churn + excluded.churn)
    select count(*) into folded from taken;
  exception when object_not_in_prerequisite_state then
    -- Published since, and without an identity for its replicas: migration 0088 was not let. Nobody waits behind this for long.
    folded := 0;
    begin
      perform set_config('lock_timeout', '50ms', true);
      alter table rekey.record_deltas replica identity full;
    exception when lock_not_available then
      null;
    end;
  end;
  return folded;
end
$$;
