-- Gives a role the rights of its part, and no others on what is Rekey's: what it had before is taken away.
create or replace function rekey.set_rights(role_name name, part text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  execute format('revoke all on all tables in schema rekey from %I', set_rights.role_name);
  execute format('revoke all on all functions in schema rekey from %I', set_rights.role_name);
  insert into rekey.granted_roles (role_name, part) values (set_rights.role_name, set_rights.part)
    on conflict (role_name, part) do nothing;
  -- One role may have several parts.
  perform rekey.give_rights(g.role_name, g.part) from rekey.granted_roles g where g.role_name = set_rights.role_name;
  perform rekey.note_function_rows();
end
$$;
