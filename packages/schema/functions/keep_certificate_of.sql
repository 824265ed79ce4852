-- Keeps the first certificate of completed work; false: it has one. As rekey.keep_certificate does for rotations.
create or replace function rekey.keep_certificate_of(
  work_kind text, of_subject uuid, named text, envelope text, compact text
) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  payload text := envelope::jsonb ->> 'payload';
  predicate jsonb := convert_from(decode(payload, 'base64'), 'UTF8')::jsonb -> 'predicate';
begin
  if work_kind = 'rotation' then
    return rekey.keep_certificate(of_subject, named, envelope, compact);
  end if;
  -- Held until the end, so that none is kept that was signed after its key was retired.
  perform from rekey.signing_keys k
    where k.kid = named and k.retired_at is null and k.compromised_at is null for share;
  if not found then
    raise exception 'Certificates are not signed with this key' using errcode = 'RK011';
  end if;
  if (predicate @> rekey.facts_to_certify(work_kind, of_subject)) is not true
    or split_part(compact, '.', 2) <> rtrim(translate(payload, '+/', '-_'), '=') then
    raise exception 'The certificate does not say what the rows say' using errcode = 'RK011';
  end if;
  insert into rekey.other_certificates (kind, subject, kid, dsse, jws)
    values (work_kind, of_subject, named, envelope, compact) on conflict do nothing;
  return found;
end
$$;
revoke execute on function rekey.keep_certificate_of(text, uuid, text, text, text) from public;
