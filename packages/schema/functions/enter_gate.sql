-- There is no gate any more. Sessions that are in the midst of an older fence still call this.
create or replace function rekey.enter_gate(tenant uuid) returns void
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select $$;
