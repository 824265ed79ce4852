-- From sweeping to verifying if everything is planned and no range is left to prove; whether it is verifying now.
create or replace function rekey.begin_verifying(rotation uuid) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.rotations r set phase = 'verifying', heartbeat_at = clock_timestamp()
    where r.id = rotation and r.status = 'in_progress' and r.phase in ('sweeping', 'verifying')
      and not exists (
        select from rekey.targets t where t.retired_at is null and not exists (
          select from rekey.rotation_ranges g
          where g.rotation_id = rotation and g.target = t.name and g.upper_id is null))
      and not exists (select from rekey.rotation_ranges g where g.rotation_id = rotation and g.proved_at is null);
  return found;
end
$$;
