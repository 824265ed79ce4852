-- A DEK as a certificate names it, with the KEK under which it is wrapped now; null: there is no such DEK.
create or replace function rekey.certified_key(dek uuid) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object('keyId', 'dek-' || d.id, 'kekId', m.kek_id,
    -- Null: its KMS tells of no versions.
    'kekVersion', rekey.kek_version_of(m.kek_uri, m.wrapped))
  from rekey.deks d left join rekey.dek_material m on m.dek_id = d.id where d.id = dek
$$;
revoke execute on function rekey.certified_key(uuid) from public;
