-- Takes back that a DEK is to be destroyed, with all that was agreed to it: {"kind": "changed"}, "unchanged" where nobody had
-- asked for it, "not_found", or "refused": it is destroyed.
create or replace function rekey.cancel_destruction(dek uuid, reason text, actor jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  key rekey.deks;
  request uuid;
begin
  select * into key from rekey.deks d where d.id = dek for no key update;
  if not found then
    return '{"kind": "not_found"}';
  end if;
  if key.state = 'destroyed' then
    return '{"kind": "refused", "conditions": [{"name": "out_of_use", "state": "unmet"}]}';
  end if;
  delete from rekey.key_destructions r where r.dek_id = dek returning r.request_id into request;
  if not found then
    return '{"kind": "unchanged"}';
  end if;
  perform rekey.say_who_and_why(actor, cancel_destruction.reason);
  perform rekey.append_event(key.tenant_id, 'key.destruction_cancelled', null, jsonb_strip_nulls(jsonb_build_object(
    'keyId', dek, 'keyNumber', key.key_number, 'requestId', request, 'reason', reason)));
  return '{"kind": "changed"}';
end
$$;
revoke execute on function rekey.cancel_destruction(uuid, text, jsonb) from public;
