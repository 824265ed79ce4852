-- Stands for a record's id where an index is to hold it: an id may be longer than an index row.
create or replace function rekey.record_hash(record_id text) returns bytea
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$ select sha256(convert_to(record_id, 'UTF8')) $$;
