-- Workers of earlier versions know nothing of the drain: they would prove what can still be written to. This tells them
-- to wait; a worker of this version takes their rotations over.
create or replace function rekey.switch_dek(rotation uuid, tenant uuid, previous uuid, next uuid, patience_ms integer)
returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'This worker is older than the schema: stop it' using errcode = 'RK007';
end
$$;
