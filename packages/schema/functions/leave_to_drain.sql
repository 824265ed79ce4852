-- Gives back a range that is swept to its end and waits for the drain; whoever ends the drain sees to it. False: nothing of
-- the tenant drains any more, or the lease is lost.
create or replace function rekey.leave_to_drain(rotation uuid, range_target text, range_ordinal integer, lease uuid)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.rotation_ranges g set owner = null, swept = true, waiting_for = nullif(g.waiting_for, 'kek_suspended')
    from rekey.rotations r
    where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.owner = lease
      and r.id = g.rotation_id and exists (select from rekey.dek_drains h where h.tenant_id = r.tenant_id);
  return found;
end
$$;
