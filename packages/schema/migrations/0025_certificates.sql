-- What a rotation came to, signed (docs/adr/0048): one certificate each, that stays as it was made, and the public keys that
-- ever signed one.
create table rekey.signing_keys (
  -- The RFC 7638 thumbprint, so that a name cannot be put on another key.
  kid text primary key,
  -- Of Ed25519.
  public_key bytea not null unique check (octet_length(public_key) = 32),
  not_before timestamptz not null default clock_timestamp(),
  retired_at timestamptz,
  compromised_at timestamptz,
  check (kid = translate(encode(sha256(convert_to('{"crv":"Ed25519","kty":"OKP","x":"'
    || translate(encode(public_key, 'base64'), '+/=', '-_') || '"}', 'UTF8')), 'base64'), '+/=', '-_'))
);

create table rekey.rotation_certificates (
  rotation_id uuid primary key references rekey.rotations,
  kid text not null references rekey.signing_keys,
  made_at timestamptz not null default clock_timestamp(),
  -- The same statement in both forms.
  dsse text not null,
  jws text not null
);

create function rekey.guard_signing_key() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger guard_signing_key before update or delete on rekey.signing_keys
  for each row execute function rekey.guard_signing_key();
create trigger guard_signing_key_truncate before truncate on rekey.signing_keys
  for each statement execute function rekey.guard_signing_key();
create trigger guard_event before update or delete on rekey.rotation_certificates
  for each row execute function rekey.guard_event();
create trigger guard_event_truncate before truncate on rekey.rotation_certificates
  for each statement execute function rekey.guard_event();
