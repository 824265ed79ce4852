-- What a worker's database role needs: to make DEKs, switch, sweep and prove. It changes nothing but through functions; of
-- registered tables it reads and writes the columns of a sealed record only.
create or replace function rekey.grant_worker(role_name name) returns void
language sql
as $$ select rekey.set_rights(role_name, 'worker') $$;
