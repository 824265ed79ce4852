-- Of rekey.check_target: all that is seen without looking at rows.
create or replace function rekey.check_target_shape(
  target_name text, target_item_type text, target_table regclass, id_column name, tenant_column name, key_column name,
  ciphertext_column name
) returns table (code text, severity text, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select * from rekey.check_target_name(target_name, target_item_type, target_table)
  union all select * from rekey.check_target_table(target_table)
  union all select * from rekey.check_target_columns(target_table, id_column, tenant_column, key_column,
    ciphertext_column, target_name)
  union all select * from rekey.check_target_indexes(target_table, id_column, tenant_column, key_column,
    ciphertext_column)
  union all select * from rekey.check_target_triggers(target_table, id_column, tenant_column, key_column,
    ciphertext_column)
$$;
