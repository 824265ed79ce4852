-- Counts a tenant's records of a target in one snapshot, past all indexes, and mends the kept count; by how much it was
-- off, or null. What is appended for that is taken back from the churn.
create or replace function rekey.recount_tenant(target_name text, of_tenant uuid) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_indexscan = off
set enable_indexonlyscan = off
set enable_bitmapscan = off
set enable_seqscan = on
as $$
declare
  target rekey.targets;
  off_by bigint;
begin
  select * into strict target from rekey.targets t where t.name = target_name and t.retired_at is null;
  execute format($sql$
    with mended as (
      insert into rekey.record_deltas (tenant_id, target, delta)
      select $1, $2, there.records - kept.records
      from (select count(*) as records from %s t where t.%I = $1 and t.%I is not null) there,
        rekey.kept_count($1, $2) kept
      where there.records <> kept.records returning *),
    no_churn as (
      insert into rekey.record_counts as c (tenant_id, target, records, churn)
      select m.tenant_id, m.target, 0, -abs(m.delta) from mended m
      on conflict (tenant_id, target) do update set churn = c.churn + excluded.churn)
    select -delta from mended$sql$, target.table_name, target.tenant_column, target.key_column)
    into off_by using of_tenant, target_name;
  return off_by;
end
$$;
