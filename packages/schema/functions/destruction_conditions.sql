-- All that must hold before a DEK is destroyed: what holds of the DEK itself, and what was asked for and agreed to. No row:
-- there is no such DEK.
create or replace function rekey.destruction_conditions(dek uuid)
returns table (ordinal integer, name text, state text, evidence jsonb)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  request rekey.key_destructions;
  facts jsonb := (select jsonb_agg(to_jsonb(f)) from rekey.destruction_facts(dek) f);
  needed bigint := rekey.setting('destruction_approvals');
  given bigint;
begin
  if facts is null then
    return;
  end if;
  select * into request from rekey.key_destructions r where r.dek_id = dek;
  return query select f.ordinal, f.name, f.state, f.evidence
    from jsonb_to_recordset(facts) f(ordinal integer, name text, state text, evidence jsonb);
  return query select 6, 'grace', case when request.due_at <= clock_timestamp() then 'met' else 'unmet' end,
    jsonb_build_object('requestedAt', request.requested_at, 'dueAt', request.due_at,
      'seconds', rekey.setting('destruction_grace_seconds'));
  select count(*) into given from rekey.destruction_approvals a
    where a.request_id = request.request_id and a.conditions_hash = rekey.facts_hash(facts)
      and a.approved_at > clock_timestamp() - interval '7 days' and a.approved_at <= clock_timestamp()
      and (a.realm, a.subject) is distinct from (request.realm, request.subject);
  return query select 7, 'approvals', case when given >= needed then 'met' else 'unmet' end,
    jsonb_build_object('needed', needed, 'given', given, 'validDays', 7);
end
$$;
revoke execute on function rekey.destruction_conditions(uuid) from public;
