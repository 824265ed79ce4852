-- Who decides here: whom the API's role names, having seen a token; of everybody else the role of the session, whatever it
-- says of itself. One role that does everything is the API's too.
create or replace function rekey.deciding_person(actor jsonb, out realm text, out subject text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if actor ->> 'id' is not null and (
    exists (select from rekey.granted_roles g where g.role_name = session_user and g.part = 'api')
    or pg_has_role(session_user, (select n.nspowner from pg_namespace n where n.nspname = 'rekey'), 'USAGE')
  ) then
    realm := actor ->> 'realm';
    subject := actor ->> 'id';
  else
    realm := null;
    subject := session_user;
  end if;
end
$$;
revoke execute on function rekey.deciding_person(jsonb) from public;
