-- Asks for a DEK to be destroyed after the grace period: {"kind": "changed"}, "unchanged" where it was asked for before,
-- "not_found", or "refused" with the conditions that no time mends: it is in use, drains, names records, or nobody has
-- declared how long backups are kept.
create or replace function rekey.schedule_destruction(dek uuid, reason text, actor jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  key rekey.deks;
  request rekey.key_destructions;
  refused jsonb;
begin
  select * into key from rekey.deks d where d.id = dek for no key update;
  if not found then
    return '{"kind": "not_found"}';
  end if;
  if exists (select from rekey.key_destructions r where r.dek_id = dek) and key.state <> 'destroyed' then
    return '{"kind": "unchanged"}';
  end if;
  select rekey.refused_conditions(jsonb_agg(to_jsonb(f))) into refused from rekey.destruction_facts(dek) f
    where f.name in ('out_of_use', 'drained', 'no_records')
      or f.name = 'backups' and f.evidence ->> 'horizonSeconds' is null;
  if refused is not null then
    return jsonb_build_object('kind', 'refused', 'conditions', refused);
  end if;
  perform rekey.say_who_and_why(actor, schedule_destruction.reason);
  insert into rekey.key_destructions (dek_id, realm, subject, reason, due_at)
    select dek, p.realm, p.subject, schedule_destruction.reason,
      clock_timestamp() + rekey.setting('destruction_grace_seconds') * interval '1 second'
    from rekey.deciding_person(actor) p
    returning * into request;
  perform rekey.append_event(key.tenant_id, 'key.destruction_scheduled', null, jsonb_strip_nulls(jsonb_build_object(
    'keyId', dek, 'keyNumber', key.key_number, 'requestId', request.request_id, 'dueAt', request.due_at, 'reason', reason)));
  return '{"kind": "changed"}';
end
$$;
revoke execute on function rekey.schedule_destruction(uuid, text, jsonb) from public;
