-- Keeps the first time stamp of a certificate that was claimed; false: it has one. What is stamped must be the signature of that
-- certificate, by its SHA-256; the rest of the token is for verifiers.
create or replace function rekey.keep_certificate_stamp(work_kind text, of_subject uuid, stamp bytea) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  envelope text;
begin
  select c.dsse into envelope from rekey.rotation_certificates c where work_kind = 'rotation' and c.rotation_id = of_subject
  union all
  select c.dsse from rekey.other_certificates c where (c.kind, c.subject) = (work_kind, of_subject);
  if (position(sha256(decode(envelope::jsonb -> 'signatures' -> 0 ->> 'sig', 'base64')) in stamp) > 0) is not true then
    raise exception 'The time stamp is not of that certificate' using errcode = 'RK011';
  end if;
  update rekey.certificate_stamps s set token = stamp, stamped_at = clock_timestamp()
    where (s.kind, s.subject) = (work_kind, of_subject) and s.token is null;
  return found;
end
$$;
revoke execute on function rekey.keep_certificate_stamp(text, uuid, bytea) from public;
