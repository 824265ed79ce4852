-- Whether a table is small enough to be looked through while nobody may read or write it: some hundredths of a second,
-- ciphertexts included. True for one that is gone.
create or replace function rekey.is_looked_through_locked(target_table regclass) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
return coalesce(pg_table_size(target_table) <= 8 << 20, true);
