-- Raised by the sweep where a trigger of the application put other bytes in the place of those that were written: nobody
-- could open them.
create or replace function rekey.refuse_altered(target_name text) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'A trigger of % changed a ciphertext on its way', target_name using errcode = 'RK009';
end
$$;
