-- Agrees to the destruction that was asked for, as the conditions stand now: {"kind": "changed"}, "unchanged" where the same
-- person has agreed to the same, "not_found", or "refused": by whoever asked for it, where nobody has asked, and while
-- anything but time and approvals is missing.
create or replace function rekey.approve_destruction(dek uuid, reason text, actor jsonb) returns jsonb
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  key rekey.deks;
  request rekey.key_destructions;
  who record;
  facts jsonb;
  refused jsonb;
begin
  select * into key from rekey.deks d where d.id = dek for no key update;
  if not found then
    return '{"kind": "not_found"}';
  end if;
  select * into request from rekey.key_destructions r where r.dek_id = dek;
  if not found or key.state = 'destroyed' then
    return '{"kind": "refused", "conditions": [{"name": "grace", "state": "unmet"}]}';
  end if;
  select p.realm, p.subject into who from rekey.deciding_person(actor) p;
  if (who.realm, who.subject) is not distinct from (request.realm, request.subject) then
    return '{"kind": "refused", "conditions": [{"name": "approvals", "state": "unmet"}]}';
  end if;
  select jsonb_agg(to_jsonb(f)) into facts from rekey.destruction_facts(dek) f;
  refused := rekey.refused_conditions(facts);
  if refused is not null then
    return jsonb_build_object('kind', 'refused', 'conditions', refused);
  end if;
  insert into rekey.destruction_approvals as a (request_id, realm, subject, conditions_hash)
    values (request.request_id, who.realm, who.subject, rekey.facts_hash(facts))
    on conflict (request_id, realm, subject) do update
      set approved_at = excluded.approved_at, conditions_hash = excluded.conditions_hash
      where a.conditions_hash <> excluded.conditions_hash or a.approved_at < clock_timestamp() - interval '7 days';
  if not found then
    return '{"kind": "unchanged"}';
  end if;
  perform rekey.say_who_and_why(actor, approve_destruction.reason);
  perform rekey.append_event(key.tenant_id, 'key.destruction_approved', null, jsonb_strip_nulls(jsonb_build_object(
    'keyId', dek, 'keyNumber', key.key_number, 'requestId', request.request_id, 'reason', reason)));
  return '{"kind": "changed"}';
end
$$;
revoke execute on function rekey.approve_destruction(uuid, text, jsonb) from public;
