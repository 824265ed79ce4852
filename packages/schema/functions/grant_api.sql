-- What the API's database role needs: to start, follow, pause, resume and cancel rotations, and to read the audit. It reads no key
-- material and no records, and changes nothing but through functions.
create or replace function rekey.grant_api(role_name name) returns void
language sql
as $$ select rekey.set_rights(role_name, 'api') $$;
