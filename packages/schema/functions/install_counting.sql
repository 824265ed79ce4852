-- Has a registered table's records counted by its triggers, or puts that right: may be run again at any time, and locks
-- the table only where a trigger is missing or disabled. Every statement that inserts or deletes appends one row per
-- tenant, with the sign of what it did: their sum is how many records there are, the sum of their magnitudes is the churn.
create or replace function rekey.install_counting(target_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $install$
declare
  target rekey.targets;
  nullable boolean;
begin
  select * into strict target from rekey.targets t
    where t.name = target_name and coalesce(t.retired_at, 'infinity') = 'infinity';
  select not a.attnotnull into strict nullable from pg_attribute a
    where a.attrelid = target.table_name::regclass and a.attname = target.key_column and not a.attisdropped;

  execute format($sql$
    create or replace function rekey.%1$I() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $counting$
    begin
      if tg_op = 'INSERT' then
        insert into rekey.record_deltas (tenant_id, target, delta) select w.%2$I, %4$L, count(*) from written w
          where w.%3$I is not null group by 1;
      elsif tg_op = 'DELETE' then
        insert into rekey.record_deltas (tenant_id, target, delta) select r.%2$I, %4$L, -count(*) from removed r
          where r.%3$I is not null group by 1;
      elsif tg_op = 'UPDATE' then
        -- Two rows where some become sealed and others cease to be: the churn is both.
        insert into rekey.record_deltas (tenant_id, target, delta)
          select tenant, %4$L, sum(change) from (
            select coalesce(w.%2$I, r.%2$I) as tenant,
              case when r.%3$I is null then 1 else -1 end as change
            from written w full join replaced r on r.%5$I = w.%5$I
            where (w.%3$I is null) <> (r.%3$I is null)) changes
          group by tenant, change;
      else
        -- TRUNCATE: all that was counted is gone, and that is churn as well.
        insert into rekey.record_deltas (tenant_id, target, delta)
          select counted.tenant_id, %4$L, -sum(counted.records) from (
            select c.tenant_id, c.records from rekey.record_counts c where c.target = %4$L
            union all select d.tenant_id, d.delta from rekey.record_deltas d where d.target = %4$L) counted
          group by counted.tenant_id having sum(counted.records) <> 0;
      end if;
      return null;
    end
    $counting$
    $sql$, 'count_' || target.name, target.tenant_column, target.key_column, target.name, target.id_column);
  execute format('revoke execute on function rekey.%I() from public', 'count_' || target.name);

  perform rekey.ensure_trigger(target.table_name::regclass, 'rekey_count_insert_' || target.name,
    'after insert', 'referencing new table as written for each statement', 'count_' || target.name);
  perform rekey.ensure_trigger(target.table_name::regclass, 'rekey_count_delete_' || target.name,
    'after delete', 'referencing old table as removed for each statement', 'count_' || target.name);
  -- Only where an update can turn a row into a sealed record or back: elsewhere the sweep would pay for nothing.
  if nullable then
    perform rekey.ensure_trigger(target.table_name::regclass, 'rekey_count_update_' || target.name,
      'after update', 'referencing old table as replaced new table as written for each statement',
      'count_' || target.name);
  end if;
  perform rekey.ensure_trigger(target.table_name::regclass, 'rekey_count_truncate_' || target.name,
    'after truncate', 'for each statement', 'count_' || target.name);
end
$install$;
