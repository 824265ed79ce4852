-- How the destruction of a DEK stands, as the API answers it; null: there is no such DEK.
create or replace function rekey.destruction_state(dek uuid) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set TimeZone = 'UTC'
as $$
declare
  key rekey.deks;
  request rekey.key_destructions;
  deleted boolean;
  vacuumed timestamptz;
  conditions jsonb;
begin
  select * into key from rekey.deks d where d.id = dek;
  if not found then
    return null;
  end if;
  select * into request from rekey.key_destructions r where r.dek_id = dek;
  deleted := not exists (select from rekey.dek_material m where m.dek_id = dek);
  -- The first time after it: earlier ones the table's statistics do not tell apart.
  select greatest(t.last_vacuum, t.last_autovacuum) into vacuumed
    from pg_stat_all_tables t where t.relid = 'rekey.dek_material'::regclass;
  if key.state <> 'destroyed' then
    select jsonb_agg(jsonb_build_object('name', c.name, 'state', c.state, 'evidence', c.evidence) order by c.ordinal)
      into conditions from rekey.destruction_conditions(dek) c;
  end if;
  return jsonb_build_object('dekId', key.id, 'tenantId', key.tenant_id, 'state', key.state,
    'destroyedAt', key.destroyed_at, 'materialDeleted', deleted,
    'materialVacuumedAt', case when deleted and vacuumed > key.destroyed_at then vacuumed end,
    'request', case when request.request_id is not null then jsonb_build_object('requestId', request.request_id,
      'realm', request.realm, 'subject', request.subject, 'reason', request.reason, 'requestedAt', request.requested_at,
      'dueAt', request.due_at) end,
    'approvals', (select coalesce(jsonb_agg(jsonb_build_object('realm', a.realm, 'subject', a.subject,
        'approvedAt', a.approved_at) order by a.approved_at), '[]')
      from rekey.destruction_approvals a where a.request_id = request.request_id),
    'conditions', coalesce(conditions, '[]'));
end
$$;
revoke execute on function rekey.destruction_state(uuid) from public;
