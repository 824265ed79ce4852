-- For APIs of earlier versions, which know ordinary rotations only.
create or replace function rekey.start_rotation(rotation uuid, tenant uuid, next uuid, initiator jsonb, no_items jsonb)
returns setof rekey.rotations
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$ select * from rekey.begin_rotation(rotation, tenant, next, initiator, no_items, false, null) $$;
