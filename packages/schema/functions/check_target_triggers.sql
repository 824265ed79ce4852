-- Of rekey.check_target: triggers of the application that may change a row after it was sealed.
create or replace function rekey.check_target_triggers(
  target_table regclass, id_column name, tenant_column name, key_column name, ciphertext_column name
) returns table (code text, severity text, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  -- tgtype: 1 for each row, 2 before, 4 insert, 16 update (src/include/catalog/pg_trigger.h)
  with foreign_ones as (
    select t.tgname, p.oid as function, (
        -- What looks like an assignment, not like a comparison: := or the beginning of a statement.
        select string_agg(c.name, ', ') from unnest(array[id_column, tenant_column, key_column, ciphertext_column]) c(name)
        where p.prosrc ~* ('\mnew\s*\.\s*"?' || c.name || '"?\s*:=')
          or p.prosrc ~* ('(;|\mthen|\melse|\mbegin|\mloop)\s*new\s*\.\s*"?' || c.name || '"?\s*=')) as changed
    from pg_trigger t join pg_proc p on p.oid = t.tgfoid
    where t.tgrelid = target_table and not t.tgisinternal and t.tgenabled <> 'D' and t.tgtype & 3 = 3
      and t.tgtype & 20 <> 0 and p.pronamespace <> 'rekey'::regnamespace)
  select 'TRIGGER_CHANGES_RECORD', 'error', format(
      'The BEFORE trigger %s (%s) sets %s: what is bound into a ciphertext must not change under it.',
      f.tgname, f.function::regprocedure, f.changed)
    from foreign_ones f where f.changed is not null
  union all
  select 'BEFORE_TRIGGER', 'warning', format(
      'The BEFORE trigger %s (%s) also fires for re-encryption: it must leave id, tenant, key number and ciphertext %s.',
      f.tgname, f.function::regprocedure, 'as they are, and let the row through')
    from foreign_ones f where f.changed is null
$$;
