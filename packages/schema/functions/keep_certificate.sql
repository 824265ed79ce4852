-- Keeps the first certificate of a rotation; false: it has one. What is signed must be what the rows say, with whatever the
-- signer adds; the signature itself is for verifiers.
create or replace function rekey.keep_certificate(rotation uuid, named text, envelope text, compact text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  payload text := envelope::jsonb ->> 'payload';
  predicate jsonb := convert_from(decode(payload, 'base64'), 'UTF8')::jsonb -> 'predicate';
begin
  -- Held until the end, so that none is kept that was signed after its key was retired.
  perform from rekey.signing_keys k
    where k.kid = named and k.retired_at is null and k.compromised_at is null for share;
  if not found then
    raise exception 'Certificates are not signed with this key' using errcode = 'RK011';
  end if;
  if (predicate @> rekey.certificate_facts(rotation)) is not true
    or split_part(compact, '.', 2) <> rtrim(translate(payload, '+/', '-_'), '=') then
    raise exception 'The certificate does not say what the rows of its rotation say' using errcode = 'RK011';
  end if;
  insert into rekey.rotation_certificates (rotation_id, kid, dsse, jws)
    values (rotation, named, envelope, compact) on conflict do nothing;
  return found;
end
$$;
revoke execute on function rekey.keep_certificate(uuid, text, text, text) from public;
