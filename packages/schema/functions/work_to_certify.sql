-- What was completed within that time and has no certificate, by what it is: rotations, rewraps, destructions. At random: what
-- cannot be certified takes the turn of no other.
create or replace function rekey.work_to_certify(within interval, at_most integer) returns table (kind text, subject uuid)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select w.kind, w.subject from (
    (select 'rotation', c from rekey.certificates_due(within, at_most) c)
    union all
    (select 'rewrap', r.id from rekey.rewraps r
      where r.completed_at > now() - within and r.status in ('completed', 'completed_with_failures')
        and not exists (select from rekey.other_certificates c where c.kind = 'rewrap' and c.subject = r.id)
      limit at_most)
    union all
    (select 'destruction', d.id from rekey.deks d join rekey.key_destructions q on q.dek_id = d.id
      where d.state = 'destroyed' and d.destroyed_at > now() - within
        and not exists (select from rekey.other_certificates c where c.kind = 'destruction' and c.subject = d.id)
      limit at_most)) w(kind, subject)
  order by random() limit at_most
$$;
revoke execute on function rekey.work_to_certify(interval, integer) from public;
