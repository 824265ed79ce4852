-- One over all DEKs that are stored, of one tenant or with null of all: the same before and after a rewrap.
create or replace function rekey.keys_fingerprint(tenant uuid) returns text
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select encode(sha256(coalesce(string_agg(
    sha256(uuid_send(d.id) || uuid_send(d.tenant_id) || int4send(d.key_number) || uuid_send(i.material_id)),
    ''::bytea order by d.id), ''::bytea)), 'hex')
  from rekey.deks d join rekey.dek_material m on m.dek_id = d.id join rekey.dek_identities i on i.dek_id = d.id
  where d.state <> 'destroyed' and (tenant is null or d.tenant_id = tenant)
$$;
revoke execute on function rekey.keys_fingerprint(uuid) from public;
