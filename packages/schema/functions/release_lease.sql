-- Gives a range back for the next worker at once. Harmless when the lease is lost.
create or replace function rekey.release_lease(rotation uuid, range_target text, range_ordinal integer, lease uuid)
returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.rotation_ranges g set owner = null
    where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.owner = lease;
end
$$;
