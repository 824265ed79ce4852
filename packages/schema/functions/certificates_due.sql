-- Rotations that were completed within that time and have no certificate, at random: one that cannot be
-- certified takes the turn of no other.
create or replace function rekey.certificates_due(within interval, at_most integer) returns setof uuid
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select r.id from rekey.rotations r
  where r.completed_at > now() - within and r.status in ('completed', 'completed_with_failures')
    and not exists (select from rekey.rotation_certificates c where c.rotation_id = r.id)
  order by random() limit at_most
$$;
revoke execute on function rekey.certificates_due(interval, integer) from public;
