-- Whether row level security may hide rows of a table from a role, as Postgres decides it.
create or replace function rekey.is_hidden_from(from_table oid, role_name name) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select c.relrowsecurity and not r.rolsuper and not r.rolbypassrls
    and (c.relforcerowsecurity or not pg_has_role(r.oid, c.relowner, 'USAGE'))
  from pg_class c, pg_roles r where c.oid = from_table and r.rolname = role_name
$$;
