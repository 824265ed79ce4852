-- Counts up when a standby is promoted or a backup is replayed to a moment: of the write-ahead log that is written now.
create or replace function rekey.database_timeline() returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$ select case when pg_is_in_recovery() then null else left(pg_walfile_name(pg_current_wal_lsn()), 8) end $$;
