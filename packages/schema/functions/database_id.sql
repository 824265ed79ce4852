-- Tells this database from every other, also from the one that it was restored or copied from.
create or replace function rekey.database_id() returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select s.system_identifier || '/' || d.oid
  from pg_control_system() s, pg_database d where d.datname = current_database()
$$;
