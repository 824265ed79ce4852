-- Of what a rewrap leaves as it is: which DEK this is, whose, its number, and the identity of its bytes.
create or replace function rekey.dek_fingerprint(dek uuid) returns bytea
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select sha256(uuid_send(d.id) || uuid_send(d.tenant_id) || int4send(d.key_number) || uuid_send(i.material_id))
  from rekey.deks d join rekey.dek_identities i on i.dek_id = d.id where d.id = dek
$$;
revoke execute on function rekey.dek_fingerprint(uuid) from public;
