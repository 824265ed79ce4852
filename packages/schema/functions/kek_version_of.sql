-- Under which version of its KEK a DEK was wrapped, where the KMS tells and the wrapped bytes keep it
-- (docs/ciphertext-format.md); null: no version is known.
create or replace function rekey.kek_version_of(uri text, wrapped bytea) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when uri ~ '^(gcp-kms|hcvault):' and octet_length(wrapped) > 5 and get_byte(wrapped, 0) = 1
      then (('x' || lpad(encode(substring(wrapped from 2 for 4), 'hex'), 16, '0'))::bit(64)::bigint)::text
    when uri ~ '^azure-kv:' and octet_length(wrapped) > 21 and get_byte(wrapped, 0) = 2
      then encode(substring(wrapped from 6 for 16), 'hex')
  end
$$;
revoke execute on function rekey.kek_version_of(text, bytea) from public;
