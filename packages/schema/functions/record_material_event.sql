-- What becomes of the wrapped bytes of a DEK, when its transaction commits. The bytes stand in no event.
create or replace function rekey.record_material_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  stored rekey.dek_material := case tg_op when 'DELETE' then old else new end;
  key rekey.deks;
begin
  select * into strict key from rekey.deks d where d.id = stored.dek_id;
  -- Overwritten on its way out; that it is deleted is an event.
  if tg_op = 'UPDATE' and key.state = 'destroyed' then
    return null;
  end if;
  perform rekey.append_event(key.tenant_id,
    case tg_op when 'INSERT' then 'key.material_stored' when 'UPDATE' then 'key.rewrapped' else 'key.material_deleted' end,
    (select r.id from rekey.rotations r where r.new_dek_id = key.id and r.retry_of is null),
    jsonb_build_object('keyId', key.id, 'keyNumber', key.key_number, 'kek', stored.kek_uri,
      'kekId', stored.kek_id, 'wrapVersion', stored.wrap_version)
      || case when tg_op = 'UPDATE' then jsonb_build_object('fromKekId', old.kek_id) else '{}' end);
  return null;
end
$$;
