-- For APIs of earlier versions, which know neither force nor a key.
create or replace function rekey.start_kek_compromise(
  compromise uuid, kek text, goal text, calls_max integer, why text, actor jsonb
) returns table (outcome text, compromise_id uuid)
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$ select * from rekey.compromise_kek(compromise, kek, goal, calls_max, false, why, actor, null, null, null) $$;
revoke execute on function rekey.start_kek_compromise(uuid, text, text, integer, text, jsonb) from public;
