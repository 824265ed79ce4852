-- Makes a trigger unless it is there, enabled, of that kind, and calls this function of the schema. The identity trigger may
-- also be one before the update, as earlier versions made it: to replace it takes a lock that an upgrade would have to wait
-- for as long as any transaction uses the table. rekey.repair_target replaces it.
create or replace function rekey.ensure_trigger(
  on_table regclass, trigger_name text, event text, details text, function_name text
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  -- tgtype: 1 for each row, 2 before, 4 insert, 8 delete, 16 update, 32 truncate (src/include/catalog/pg_trigger.h)
  kind integer := case when details like '%for each row%' then 1 else 0 end
    + case when event like 'before %' then 2 else 0 end
    + case split_part(event, ' ', 2) when 'insert' then 4 when 'delete' then 8 when 'update' then 16 when 'truncate' then 32 end;
begin
  perform from pg_trigger t join pg_proc p on p.oid = t.tgfoid
    where t.tgrelid = on_table and t.tgname = trigger_name and t.tgenabled in ('O', 'A')
      and (t.tgtype = kind or function_name = 'refuse_identity_change' and t.tgtype = kind | 2)
      and p.proname = function_name and p.pronamespace = 'rekey'::regnamespace;
  if found then
    return;
  end if;
  execute format('drop trigger if exists %I on %s', trigger_name, on_table);
  execute format('create trigger %I %s on %s %s execute function rekey.%I()',
    trigger_name, event, on_table, details, function_name);
end
$$;
