-- Proves the one range of a target that cannot be looked at, for a tenant that has no record in it by the counts, which
-- are kept by the table's own triggers wherever it was moved. False: it has some, something drains still, or the lease is
-- lost.
create or replace function rekey.prove_by_counts(rotation uuid, range_target text, range_ordinal integer, lease uuid)
returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  proved boolean;
begin
  perform set_config('rekey.proving', rotation::text, true);
  update rekey.rotation_ranges g
    set failed = 0, proved_at = clock_timestamp(), owner = null, waiting_for = null
    from rekey.rotations r join rekey.deks d on d.id = r.new_dek_id
    where g.rotation_id = rotation and g.target = range_target and g.ordinal = range_ordinal and g.owner = lease
      and g.lower_id is null and g.upper_id is null and g.proved_at is null
      and r.id = g.rotation_id and r.switched_at is not null and r.status = 'in_progress'
      and not exists (select from rekey.dek_locks l
        where l.tenant_id = r.tenant_id and l.closed_at is null and l.key_number <> d.key_number)
      and (select kept.records from rekey.kept_count(r.tenant_id, range_target) kept) = 0
      and not exists (select from rekey.rotation_failures f where f.rotation_id = rotation and f.target = range_target);
  proved := found;
  perform set_config('rekey.proving', '', true);
  return proved;
end
$$;
