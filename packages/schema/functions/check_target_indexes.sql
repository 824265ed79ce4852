-- Of rekey.check_target: its indexes.
create or replace function rekey.check_target_indexes(
  target_table regclass, id_column name, tenant_column name, key_column name, ciphertext_column name
) returns table (code text, severity text, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with numbers as (
    select
      (select a.attnum from pg_attribute a where a.attrelid = target_table and a.attname = id_column) as id,
      (select a.attnum from pg_attribute a where a.attrelid = target_table and a.attname = tenant_column) as tenant,
      (select a.attnum from pg_attribute a where a.attrelid = target_table and a.attname = key_column) as key,
      (select a.attnum from pg_attribute a where a.attrelid = target_table and a.attname = ciphertext_column) as sealed),
  -- What begins with the right columns, and what is wrong with it all the same.
  begins as (
    select i.indexrelid::regclass as name, i.indkey[0] as first, i.indkey[1] as second, i.indnkeyatts, i.indisunique,
      concat_ws(', ',
        case when not i.indisvalid or not i.indisready then 'not valid' end,
        case when i.indpred is not null then 'partial' end,
        case when am.amname <> 'btree' then am.amname || ' and not btree' end,
        case when exists (select from unnest(i.indkey::int2[], i.indcollation::oid[]) k(attnum, collation_of)
            join pg_attribute a on a.attrelid = target_table and a.attnum = k.attnum
            where k.collation_of <> 0 and k.attnum in (n.id, n.tenant) and k.collation_of <> a.attcollation) then 'of another collation' end,
        case when exists (select from unnest(i.indclass::oid[]) o(oid) join pg_opclass oc on oc.oid = o.oid
            where not oc.opcdefault) then 'of another operator class' end) as wrong,
      i.indimmediate
    from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am am on am.oid = x.relam, numbers n
    where i.indrelid = target_table)
  select 'ID_NOT_UNIQUE', 'error', format(
      'The id alone, %I, needs a primary key or a unique index%s: ids that are unique within a tenant only cannot be swept.',
      id_column, (select ' (' || string_agg(format('%s is %s', b.name,
          concat_ws(', ', nullif(b.wrong, ''), case when not b.indimmediate then 'deferrable' end)), '; ') || ')'
        from begins b, numbers n where b.indisunique and b.first = n.id and b.indnkeyatts = 1))
    from numbers n where n.id is not null and not exists (
      select from begins b where b.indisunique and b.indimmediate and b.first = n.id and b.indnkeyatts = 1 and b.wrong = '')
  union all
  select 'INDEX_MISSING', 'error', format('It needs an index on (%I, %I)%s.', tenant_column, id_column,
      (select ' (' || string_agg(format('%s is %s', b.name, b.wrong), '; ') || ')'
        from begins b, numbers n where b.first = n.tenant and b.second = n.id and b.wrong <> ''))
    from numbers n where n.id is not null and n.tenant is not null and not exists (
      select from begins b where b.first = n.tenant and b.second = n.id and b.indnkeyatts >= 2 and b.wrong = '')
  union all
  -- By dependency, so that expressions and predicates count too.
  select case when i.indisunique or i.indisexclusion then 'UNIQUE_WITH_KEY' else 'INDEX_WITH_KEY' end,
      case when i.indisunique or i.indisexclusion then 'error' else 'warning' end,
      format(case when i.indisunique or i.indisexclusion
          then 'The unique index %s contains %I, which changes with every rotation.'
          else 'The index %s contains %I: re-encryption will be several times slower.' end,
        i.indexrelid::regclass, a.attname)
    from pg_index i join pg_attribute a on a.attrelid = target_table and a.attname in (key_column, ciphertext_column)
    where i.indrelid = target_table
      and (a.attnum = any (i.indkey) or exists (select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid
          and d.refclassid = 'pg_class'::regclass and d.refobjid = target_table and d.refobjsubid = a.attnum))
$$;
