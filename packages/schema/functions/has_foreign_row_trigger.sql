-- Whether a table has a trigger that is not ours and may change a row on its way into an update. In PL/pgSQL, which keeps
-- the plan: every write to a registered table asks.
create or replace function rekey.has_foreign_row_trigger(on_table oid) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- tgtype: 1 for each row, 2 before, 16 update (src/include/catalog/pg_trigger.h)
  return exists (
    select from pg_trigger t
    where t.tgrelid = on_table and t.tgtype & 19 = 19 and not t.tgisinternal and t.tgenabled <> 'D'
      and t.tgfoid <> 'rekey.refuse_identity_change()'::regprocedure);
end
$$;
