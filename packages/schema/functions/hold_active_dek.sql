-- For applications of earlier versions.
create or replace function rekey.hold_active_dek(tenant uuid) returns table (dek_id uuid, key_number integer)
language sql volatile
set search_path = pg_catalog, pg_temp
as $$ select h.dek_id, h.key_number from rekey.hold_dek(tenant) h $$;
