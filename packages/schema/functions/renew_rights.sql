-- Gives every role that works with this schema what its part takes by now. What it has besides stays: processes of an
-- earlier version may still need it; rekey.grant_worker and its like take it away.
create or replace function rekey.renew_rights() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.give_rights(g.role_name, g.part)
    from rekey.granted_roles g where exists (select from pg_roles r where r.rolname = g.role_name);
  perform rekey.note_function_rows();
end
$$;
