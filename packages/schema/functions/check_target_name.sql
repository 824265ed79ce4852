-- Of rekey.check_target: what it is to be called.
create or replace function rekey.check_target_name(target_name text, target_item_type text, target_table regclass)
returns table (code text, severity text, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select 'NAME_MALFORMED', 'error', format(
      'The name %L must begin with a letter and have at most 41 characters: lower case letters, digits, _.', target_name)
    where (target_name ~ '^[a-z][a-z0-9_]{0,40}$') is not true
  union all
  select 'NAME_TAKEN', 'error', format('There is a target %s already, of table %s.', t.name, t.table_name)
    from rekey.targets t where t.name = target_name and t.retired_at is null
  union all
  select 'ITEM_TYPE_UNKNOWN', 'error',
      format('The item type must be credentials, apiKeys or secrets, and not %L.', target_item_type)
    where (target_item_type in ('credentials', 'apiKeys', 'secrets')) is not true
  union all
  select 'OWN_TABLE', 'error', format('%s belongs to Rekey or to Postgres itself.', target_table)
    from pg_class c where c.oid = target_table
      and c.relnamespace::regnamespace::text in ('rekey', 'pg_catalog', 'information_schema')
$$;
