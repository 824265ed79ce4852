-- The roles that can log in and read wrapped DEKs, each with when one of its processes was last heard of; null: never. Not
-- among them: superusers and whoever has the rights of the schema's owner, who can read everything.
create or replace function rekey.material_readers() returns table (role_name name, heard_at timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select r.rolname, (select max(p.heartbeat_at) from rekey.processes p where p.database_role = r.rolname)
  from pg_roles r, pg_namespace n
  where n.nspname = 'rekey' and r.rolcanlogin and not r.rolsuper and not pg_has_role(r.oid, n.nspowner, 'USAGE')
    and has_schema_privilege(r.oid, n.oid, 'USAGE')
    and (has_any_column_privilege(r.oid, 'rekey.dek_material', 'SELECT')
      or exists (select from pg_proc f where f.pronamespace = n.oid
        and f.proname in ('wrapped_deks', 'stored_deks', 'sample_deks', 'sample_deks_under')
        and has_function_privilege(r.oid, f.oid, 'EXECUTE')))
$$;
revoke execute on function rekey.material_readers() from public;
