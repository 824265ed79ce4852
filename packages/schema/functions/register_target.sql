-- Puts a table under the fence and makes it known to rotations. The table needs a primary or unique key on the id, an
-- index that begins with (tenant, id), and no index on the key number (it would cost HOT updates). "fillfactor" below
-- 100 is advised so that updates find room on their page.
create or replace function rekey.register_target(
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

  insert into rekey.targets
    (name, item_type, table_name, id_column, id_type, tenant_column, key_column, ciphertext_column)
    values (target_name, target_item_type, table_name, id_column, id_type, tenant_column, key_column,
      ciphertext_column);
  perform rekey.install_fence(target_name);
  perform rekey.install_counting(target_name);
  perform rekey.recount_records(target_name);
end
$register$;
