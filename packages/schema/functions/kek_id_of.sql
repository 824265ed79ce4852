-- Which KEK wrapped these bytes, where they say so: those that a local KEK made begin with the key's fingerprint
-- (docs/ciphertext-format.md). Of others it is told by whoever wrapped.
create or replace function rekey.kek_id_of(uri text, wrapped bytea, told text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when starts_with(uri, 'local:') and get_byte(wrapped, 0) = 1
    then 'local:' || encode(substring(wrapped from 2 for 8), 'hex') else coalesce(told, uri) end
$$;
