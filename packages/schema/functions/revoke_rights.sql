-- Takes from a role whatever it has in this schema and on registered tables, so that it can be dropped.
create or replace function rekey.revoke_rights(role_name name) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  target record;
begin
  delete from rekey.granted_roles g where g.role_name = revoke_rights.role_name;
  execute format('revoke all on all tables in schema rekey from %I', revoke_rights.role_name);
  execute format('revoke all on all functions in schema rekey from %I', revoke_rights.role_name);
  execute format('revoke all on schema rekey from %I', revoke_rights.role_name);
  for target in select t.table_name from rekey.targets t where to_regclass(t.table_name) is not null loop
    execute format('revoke all on %s from %I', target.table_name, revoke_rights.role_name);
  end loop;
  perform rekey.note_function_rows();
end
$$;
