-- What the certificate of a destroyed DEK says, out of the rows and nothing else; null: it was not destroyed because somebody
-- asked for it. Hosts and roles of processes stay out.
create or replace function rekey.destroyed_facts(dek uuid) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
  select jsonb_build_object(
    'schemaVersion', 1,
    'keyId', 'dek-' || d.id,
    'keyNumber', d.key_number,
    'tenantId', d.tenant_id,
    'status', d.state,
    'materialDeleted', not exists (select from rekey.dek_material m where m.dek_id = d.id),
    'times', (select jsonb_object_agg(t.name, to_char(t.at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) from (values
      ('requested', q.requested_at), ('due', q.due_at), ('destroyed', d.destroyed_at)) t(name, at)),
    'requestedBy', jsonb_build_object('id', q.subject, 'realm', q.realm),
    'reason', q.reason,
    -- Under which it was wrapped last.
    'kekId', q.kek_id,
    'kekVersion', q.kek_version,
    'approvedBy', (select coalesce(jsonb_agg(jsonb_build_object('id', a.subject, 'realm', a.realm,
        'at', to_char(a.approved_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) order by a.approved_at, a.subject), '[]')
      from rekey.destruction_approvals a where a.request_id = q.request_id),
    -- As they stood in the transaction that destroyed it; null: a version before did.
    'conditions', (select jsonb_agg(jsonb_build_object('name', c.one -> 'name', 'state', c.one -> 'state',
        'evidence', (c.one -> 'evidence') - 'silentProcesses' - 'unheardRoles') order by (c.one ->> 'ordinal')::integer)
      from jsonb_array_elements(q.conditions) c(one)),
    'events', (select jsonb_build_object('chain', e.chain, 'sequence', e.sequence, 'hash', encode(e.hash, 'hex'))
      from rekey.events e
      where e.chain = d.tenant_id and e.at > d.destroyed_at - interval '1 hour' and e.kind = 'key.destroyed'
        and e.payload ->> 'keyId' = d.id::text
      order by e.sequence limit 1))
  from rekey.deks d join rekey.key_destructions q on q.dek_id = d.id
  where d.id = dek and d.state = 'destroyed'
$$;
revoke execute on function rekey.destroyed_facts(uuid) from public;
