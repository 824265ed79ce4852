-- Certificates of what was completed within that time that have no time stamp, for one worker, which has a minute for them: at
-- random, so that one that cannot be stamped takes the turn of no other. Those of a compromised key need none any more.
create or replace function rekey.claim_certificate_stamps(within interval, at_most integer)
returns table (kind text, subject uuid, dsse text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  free_since constant timestamptz := clock_timestamp() - interval '1 minute';
begin
  return query
  with due as materialized (
    select w.kind, w.subject, w.dsse from (
      (select 'rotation' as kind, c.rotation_id as subject, c.dsse, c.kid
        from rekey.rotations r join rekey.rotation_certificates c on c.rotation_id = r.id
        where r.completed_at > now() - within and not exists (select from rekey.certificate_stamps s
          where (s.kind, s.subject) = ('rotation', c.rotation_id) and (s.token is not null or s.asked_at > free_since)))
      union all
      (select c.kind, c.subject, c.dsse, c.kid from rekey.other_certificates c
        where c.made_at > now() - within and not exists (select from rekey.certificate_stamps s
          where (s.kind, s.subject) = (c.kind, c.subject) and (s.token is not null or s.asked_at > free_since)))) w
    join rekey.signing_keys k on k.kid = w.kid and k.compromised_at is null
    order by random() limit at_most),
  claimed as (
    insert into rekey.certificate_stamps as s (kind, subject) select d.kind, d.subject from due d
      on conflict on constraint certificate_stamps_pkey do update set asked_at = clock_timestamp()
        where s.token is null and s.asked_at <= free_since
      returning s.kind, s.subject)
  select d.kind, d.subject, d.dsse from due d join claimed c on (c.kind, c.subject) = (d.kind, d.subject);
end
$$;
revoke execute on function rekey.claim_certificate_stamps(interval, integer) from public;
