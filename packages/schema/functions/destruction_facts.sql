-- What must hold of a DEK itself before it is destroyed, each with its state (met, unmet, unknown) and what that rests on. Looked
-- at anew each time: records are counted. No row: there is no such DEK.
create or replace function rekey.destruction_facts(dek uuid)
returns table (ordinal integer, name text, state text, evidence jsonb)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  key rekey.deks;
  problems jsonb;
  counts jsonb;
  still bigint;
  locks bigint;
begin
  select * into key from rekey.deks d where d.id = dek;
  if not found then
    return;
  end if;
  return query select 1, 'out_of_use', case when key.state in ('deactivated', 'compromised') then 'met' else 'unmet' end,
    jsonb_build_object('state', key.state, 'deactivatedAt', key.deactivated_at);
  select count(*) into locks from rekey.dek_locks l where l.dek_id = dek and l.closed_at is null;
  return query select 2, 'drained', case when locks > 0 then 'unmet' else 'met' end, jsonb_build_object('openLocks', locks);
  -- Where a registered table is not what it was, nothing that is counted there is evidence.
  select jsonb_agg(distinct p.code) into problems from rekey.integrity_problems(key.tenant_id) p;
  begin
    select coalesce(jsonb_object_agg(r.target, r.records), '{}'), coalesce(sum(r.records), 0) into counts, still
      from rekey.key_records(key.tenant_id) r where r.key_number = key.key_number;
  exception when undefined_table or undefined_column or insufficient_privilege then
    counts := null;
  end;
  return query select 3, 'no_records', case when still > 0 then 'unmet' when problems is not null or counts is null then 'unknown'
      else 'met' end,
    jsonb_build_object('records', coalesce(counts, '{}'), 'countedAt', clock_timestamp(), 'problems', coalesce(problems, '[]'));
  return query select 4, 'unused', u.state, u.evidence from rekey.key_disuse(dek) u;
  return query select 5, 'backups', b.state, b.evidence from rekey.key_backups(key) b;
end
$$;
revoke execute on function rekey.destruction_facts(uuid) from public;
