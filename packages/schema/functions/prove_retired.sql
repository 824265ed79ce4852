-- The ranges of a target that is unregistered in the midst of a rotation: there is nothing in it any more.
create or replace function rekey.prove_retired(rotation uuid, target_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('rekey.proving', rotation::text, true);
  update rekey.rotation_ranges g set proved_at = clock_timestamp(), owner = null
    where g.rotation_id = rotation and g.target = target_name and g.proved_at is null;
end
$$;
