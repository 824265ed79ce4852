-- Keys of a second signature under certificates (docs/adr/0089): ML-DSA-65, which outlasts what breaks Ed25519.
create table rekey.second_signing_keys (
  -- The RFC 7638 thumbprint, so that a name cannot be put on another key.
  kid text primary key,
  public_key bytea not null unique check (octet_length(public_key) = 1952),
  not_before timestamptz not null default clock_timestamp(),
  retired_at timestamptz,
  compromised_at timestamptz,
  check (kid = translate(encode(sha256(convert_to('{"alg":"ML-DSA-65","kty":"AKP","pub":"'
    || translate(replace(encode(public_key, 'base64'), E'\n', ''), '+/=', '-_') || '"}', 'UTF8')), 'base64'), '+/=', '-_'))
);
create trigger guard_signing_key before update or delete on rekey.second_signing_keys
  for each row execute function rekey.guard_signing_key();
create trigger guard_signing_key_truncate before truncate on rekey.second_signing_keys
  for each statement execute function rekey.guard_signing_key();
