-- Counts a target's records anew, after something that bypassed its triggers, and returns by how much the count was off.
-- One statement, so one snapshot, of what there is and of what was counted: their difference is appended like any other
-- change, and no writer waits.
create or replace function rekey.recount_records(target_name text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- Where it would hide rows it is to say so.
set row_security = off
as $$
declare
  target rekey.targets;
begin
  select * into strict target from rekey.targets t
    where t.name = target_name and coalesce(t.retired_at, 'infinity') = 'infinity';
  execute format($sql$
    with mended as (insert into rekey.record_deltas (tenant_id, target, delta)
    select coalesce(there.tenant_id, counted.tenant_id), %2$L, coalesce(there.records, 0) - coalesce(counted.records, 0)
    from (select r.%1$I as tenant_id, count(*) as records from %3$s r where r.%4$I is not null group by 1) there
    full join (
      select c.tenant_id, sum(c.records) as records from (
        select c.tenant_id, c.records from rekey.record_counts c where c.target = %2$L
        union all select d.tenant_id, d.delta from rekey.record_deltas d where d.target = %2$L) c
      group by 1) counted on counted.tenant_id = there.tenant_id
    where coalesce(there.records, 0) <> coalesce(counted.records, 0) returning *)
    insert into rekey.record_counts as c (tenant_id, target, records, churn)
    -- In the order in which others lock them.
    select m.tenant_id, m.target, 0, -abs(m.delta) from mended m order by 1, 2
    on conflict (tenant_id, target) do update set churn = c.churn + excluded.churn
    $sql$, target.tenant_column, target.name, target.table_name, target.key_column);
end
$$;
