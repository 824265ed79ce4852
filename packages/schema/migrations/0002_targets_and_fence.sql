-- A target is a table and the columns in it that hold sealed records. Registering one puts the fence around it.

create table rekey.targets (
  name text primary key check (name ~ '^[a-z][a-z0-9_]{0,40}$'),
  item_type text not null check (item_type in ('credentials', 'apiKeys', 'secrets')),
  table_name text not null,
  id_column name not null,
  id_type text not null check (id_type in ('uuid', 'bigint', 'text')),
  tenant_column name not null,
  key_column name not null,
  ciphertext_column name not null,
  -- A target that was unregistered: rotations pass it over, and what they did to it stays on record.
  retired_at timestamptz
);

-- How many records a tenant has in a target: a count plus what was appended since. Every statement that inserts or
-- deletes appends one row per tenant, since a counter that writers update would make them queue for it; workers fold
-- the appended rows in. Both are read by one statement, so that no fold is seen half.
create table rekey.record_counts (
  tenant_id uuid not null,
  target text not null references rekey.targets,
  records bigint not null,
  primary key (tenant_id, target)
) with (fillfactor = 50);

create table rekey.record_deltas (
  tenant_id uuid not null,
  target text not null,
  delta bigint not null
);
create index record_deltas_by_tenant on rekey.record_deltas (tenant_id, target);

-- Counts a target's records anew: at its registration, and by hand after something that bypassed its triggers.
create function rekey.recount_records(target_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  target rekey.targets;
begin
  select * into strict target from rekey.targets where name = target_name and retired_at is null;
  -- Keeps writers out until the count is in place.
  execute format('lock table %s in share row exclusive mode', target.table_name);
  delete from rekey.record_deltas d where d.target = target_name;
  delete from rekey.record_counts c where c.target = target_name;
  execute format(
    'insert into rekey.record_counts select %1$I, %2$L, count(*) from %3$s where %4$I is not null group by %1$I',
    target.tenant_column, target_name, target.table_name, target.key_column);
end
$$;

-- A record's id and tenant are bound into its ciphertext: with either changed it would no longer open, and it
-- would leave its key's count unseen.
create function rekey.refuse_identity_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'The id and the tenant of a sealed record do not change' using errcode = 'RK004';
end
$$;

-- Puts a table under the fence and makes it known to rotations. The table needs a primary or unique key on the
-- id, an index that begins with (tenant, id), and no index on the key number (it would cost HOT updates).
-- "fillfactor" below 100 is advised so that updates find room on their page.
create function rekey.register_target(
  target_name text,
  target_item_type text,
  target_table regclass,
  id_column name default 'id',
  tenant_column name default 'tenant_id',
  key_column name default 'key_number',
  ciphertext_column name default 'ciphertext'
) returns void
language plpgsql
as $register$
declare
  id_type text;
  table_name text;
  nullable boolean;
begin
  -- A statement trigger fires for the table that a statement names: a write to a partition would pass by the
  -- fence of its parent, and one through the parent by that of the partition.
  if (select c.relkind from pg_class c where c.oid = target_table) <> 'r'
    or exists (select from pg_inherits h where target_table in (h.inhrelid, h.inhparent)) then
    raise exception 'Only a plain table can be a target, no partitioned or inherited one: %', target_table;
  end if;

  select format('%I.%I', n.nspname, c.relname) into strict table_name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = target_table;
  select format_type(a.atttypid, null) into id_type
    from pg_attribute a where a.attrelid = target_table and a.attname = id_column and not a.attisdropped;

  select not a.attnotnull into strict nullable
    from pg_attribute a where a.attrelid = target_table and a.attname = key_column and not a.attisdropped;

  if not exists (
    select from pg_index i
    where i.indrelid = target_table and i.indisvalid and i.indpred is null
      and i.indkey[0] = (select attnum from pg_attribute where attrelid = target_table and attname = tenant_column)
      and i.indkey[1] = (select attnum from pg_attribute where attrelid = target_table and attname = id_column)
  ) then
    raise exception 'Table % needs an index on (%, %)', table_name, tenant_column, id_column;
  end if;
  if exists (
    select from pg_index i
    where i.indrelid = target_table
      and (select attnum from pg_attribute where attrelid = target_table and attname = key_column) = any (i.indkey)
  ) then
    raise warning 'An index of % contains %: re-encryption will be several times slower', table_name, key_column;
  end if;

  execute format('alter table %s alter column %I set storage external', table_name, ciphertext_column);
  -- The label and the bytes agree, so that counting labels counts bytes.
  execute format(
    $sql$alter table %1$s add constraint %2$I check (
      coalesce(substring(%3$I from 1 for 5) = '\x01'::bytea || int4send(%4$I), %3$I is null and %4$I is null))$sql$,
    table_name, 'rekey_label_' || target_name, ciphertext_column, key_column);

  execute format($sql$
    create trigger %1$I before update of %3$I, %4$I on %2$s
      for each row when (old.%3$I is distinct from new.%3$I or old.%4$I is distinct from new.%4$I)
      execute function rekey.refuse_identity_change()
    $sql$, 'rekey_identity_' || target_name, table_name, id_column, tenant_column);

  -- The fence. One statement-level trigger over the transition table costs nothing measurable, where a per-row
  -- trigger or a foreign key costs a third of the speed. It selects the rows that ARE active (searching for bad
  -- ones would lock nothing) and locks them FOR SHARE (FOR KEY SHARE would not conflict with a state change).
  execute format($sql$
    create function rekey.%1$I() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $fence$
    declare
      sealed record;
    begin
      for sealed in select distinct w.%2$I as tenant, w.%3$I as key_number from written w
          where w.%3$I is not null order by 1, 2 loop
        perform rekey.enter_gate(sealed.tenant);
        perform from rekey.deks d
          where d.tenant_id = sealed.tenant and d.key_number = sealed.key_number and d.state = 'active'
          for share;
        continue when found;
        -- Only now it matters whether this was a write under a key: renaming a record that still waits for the
        -- sweep is none. A transition-table trigger cannot name columns, so the old rows are joined here.
        if tg_op = 'UPDATE' then
          perform from written w left join replaced r on r.%4$I = w.%4$I
            where w.%2$I = sealed.tenant and w.%3$I = sealed.key_number
              and (r.%4$I is null or r.%2$I is distinct from w.%2$I
                or r.%3$I is distinct from w.%3$I or r.%5$I is distinct from w.%5$I);
          continue when not found;
        end if;
        if current_setting('transaction_isolation') <> 'read committed' then
          raise exception 'Tenant %%: its active DEK is not in the snapshot of this transaction', sealed.tenant
            using errcode = '40001';
        end if;
        raise exception 'Key %% of tenant %% is not active: seal under the active DEK', sealed.key_number, sealed.tenant
          using errcode = 'RK001', hint = 'Write through rekey.hold_active_dek or the vault library.';
      end loop;
      return null;
    end
    $fence$
    $sql$, 'fence_' || target_name, tenant_column, key_column, id_column, ciphertext_column);

  execute format($sql$
    create function rekey.%1$I() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $counting$
    begin
      if tg_op = 'INSERT' then
        insert into rekey.record_deltas select w.%2$I, %4$L, count(*) from written w
          where w.%3$I is not null group by 1;
      elsif tg_op = 'DELETE' then
        insert into rekey.record_deltas select r.%2$I, %4$L, -count(*) from removed r
          where r.%3$I is not null group by 1;
      elsif tg_op = 'UPDATE' then
        insert into rekey.record_deltas
          select tenant, %4$L, sum(change) from (
            select w.%2$I as tenant, 1 as change from written w where w.%3$I is not null
            union all select r.%2$I, -1 from replaced r where r.%3$I is not null) changes
          group by 1 having sum(change) <> 0;
      else
        delete from rekey.record_deltas d where d.target = %4$L;
        delete from rekey.record_counts c where c.target = %4$L;
      end if;
      return null;
    end
    $counting$
    $sql$, 'count_' || target_name, tenant_column, key_column, target_name);

  execute format(
    'create trigger %I after insert on %s referencing new table as written for each statement execute function rekey.%I()',
    'rekey_fence_insert_' || target_name, table_name, 'fence_' || target_name);
  execute format(
    'create trigger %I after update on %s referencing old table as replaced new table as written for each statement execute function rekey.%I()',
    'rekey_fence_update_' || target_name, table_name, 'fence_' || target_name);

  execute format(
    'create trigger %I after insert on %s referencing new table as written for each statement execute function rekey.%I()',
    'rekey_count_insert_' || target_name, table_name, 'count_' || target_name);
  execute format(
    'create trigger %I after delete on %s referencing old table as removed for each statement execute function rekey.%I()',
    'rekey_count_delete_' || target_name, table_name, 'count_' || target_name);
  -- Only where an update can turn a row into a sealed record or back: elsewhere the sweep would pay for nothing.
  if nullable then
    execute format(
      'create trigger %I after update on %s referencing old table as replaced new table as written for each statement execute function rekey.%I()',
      'rekey_count_update_' || target_name, table_name, 'count_' || target_name);
  end if;
  execute format(
    'create trigger %I after truncate on %s for each statement execute function rekey.%I()',
    'rekey_count_truncate_' || target_name, table_name, 'count_' || target_name);

  insert into rekey.targets values (
    target_name, target_item_type, table_name, id_column, id_type, tenant_column, key_column, ciphertext_column);
  perform rekey.recount_records(target_name);
end
$register$;

-- Takes the fence down and leaves the table and its records as they are. Refused while records stand under DEKs:
-- nothing would count them any more. A table that is gone is passed over by this.
create function rekey.unregister_target(target_name text) returns void
language plpgsql
as $$
declare
  target rekey.targets;
  dropped regclass;
  left_over boolean := false;
  kind text;
begin
  select * into strict target from rekey.targets where name = target_name and retired_at is null;
  dropped := to_regclass(target.table_name);
  if dropped is not null then
    execute format('lock table %s in share row exclusive mode', target.table_name);
    execute format('select exists (select from %s where %I is not null)', target.table_name, target.key_column)
      into left_over;
    if left_over then
      raise exception 'Target % still holds sealed records', target_name using errcode = 'RK003';
    end if;
    foreach kind in array array['identity', 'fence_insert', 'fence_update', 'count_insert', 'count_delete',
        'count_update', 'count_truncate'] loop
      execute format('drop trigger if exists %I on %s', 'rekey_' || kind || '_' || target_name, target.table_name);
    end loop;
    execute format('alter table %s drop constraint if exists %I', target.table_name, 'rekey_label_' || target_name);
  end if;
  execute format('drop function if exists rekey.%I(), rekey.%I()', 'fence_' || target_name, 'count_' || target_name);
  delete from rekey.record_deltas d where d.target = target_name;
  delete from rekey.record_counts c where c.target = target_name;
  -- Rotations under way have nothing more to sweep here: it was counted empty just now, or is gone.
  update rekey.rotation_ranges g set proved_at = clock_timestamp(), owner = null
    where g.target = target_name and g.proved_at is null;
  update rekey.targets t set retired_at = now() where t.name = target_name;
end
$$;
