-- Of rekey.check_target: its columns.
create or replace function rekey.check_target_columns(
  target_table regclass, id_column name, tenant_column name, key_column name, ciphertext_column name, target_name text
) returns table (code text, severity text, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with wanted(part, name, types, never_null) as (values
    ('id', id_column, array['uuid', 'bigint', 'text'], true),
    ('tenant', tenant_column, array['uuid'], true),
    ('key number', key_column, array['integer'], false),
    ('ciphertext', ciphertext_column, array['bytea'], false)),
  there as (
    select w.*, a.attnum, a.attnotnull, a.attidentity, a.attgenerated, a.attcollation,
      format_type(a.atttypid, null) as type
    from wanted w left join pg_attribute a
      on a.attrelid = target_table and a.attname = w.name and a.attnum > 0 and not a.attisdropped)
  select 'COLUMN_MISSING', 'error', format('%s has no column %I, which is to be the %s.', target_table, w.name, w.part)
    from there w where w.attnum is null
  union all
  select 'COLUMN_TWICE', 'error', format('The column %I cannot be %s at once.', w.name, string_agg(w.part, ' and '))
    from wanted w group by w.name having count(*) > 1
  union all
  select 'COLUMN_TYPE', 'error', format('The %s, column %I, is of type %s and must be %s.', w.part, w.name, w.type,
      array_to_string(w.types, ', '))
    from there w where w.type <> all (w.types)
  union all
  select 'COLUMN_NULLABLE', 'error', format('The %s, column %I, must be NOT NULL.', w.part, w.name)
    from there w where w.never_null and not w.attnotnull
  union all
  select 'COLUMN_GENERATED', 'error', format('The %s, column %I, is %s: nobody could write it.', w.part, w.name,
      case when w.attgenerated <> '' then 'generated' else 'an identity column' end)
    from there w where w.attgenerated <> '' or w.attidentity = 'a' or (w.attidentity <> '' and w.part <> 'id')
  union all
  select 'COLLATION', 'error', format('The collation %s of the id takes different ids for the same.', l.collname)
    from there w join pg_collation l on l.oid = w.attcollation where w.part = 'id' and not l.collisdeterministic
  union all
  select 'COLUMN_SHARED', 'error', format('The target %s has the %s column %I too: two sealed columns need two each.',
      t.name, w.part, w.name)
    from wanted w join rekey.targets t on t.table_oid = target_table
      and coalesce(t.retired_at, 'infinity') = 'infinity' and t.name <> target_name
      and (w.part, w.name) in (('key number', t.key_column), ('ciphertext', t.ciphertext_column))
  union all
  select 'TARGETS_DIFFER', 'error', format('The target %s of this table has another %s column.', t.name, w.part)
    from wanted w join rekey.targets t on t.table_oid = target_table
      and coalesce(t.retired_at, 'infinity') = 'infinity' and t.name <> target_name
      and ((w.part = 'id' and w.name <> t.id_column) or (w.part = 'tenant' and w.name <> t.tenant_column))
$$;
