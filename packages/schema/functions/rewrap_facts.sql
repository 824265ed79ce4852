-- What the certificate of a completed rewrap says, out of the rows and nothing else; null: it was not completed.
create or replace function rekey.rewrap_facts(rewrap uuid) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
  select jsonb_build_object(
    'schemaVersion', 1,
    'rewrapId', 'rewrap-' || r.id,
    'tenantId', r.tenant_id,
    'status', r.status,
    'kek', jsonb_build_object('name', r.kek_name, 'kekId', r.kek_id,
      -- Empty: its KMS tells of none.
      'versions', (select coalesce(jsonb_agg(distinct w.kek_version) filter (where w.kek_version is not null), '[]')
        from rekey.rewrapped_deks w where w.rewrap_id = r.id)),
    'requestedBy', jsonb_build_object('id', r.initiated_by -> 'id', 'realm', r.initiated_by -> 'realm'),
    'reasonGiven', r.reason is not null,
    'reason', r.reason,
    'forced', r.forced,
    'times', jsonb_build_object('started', to_char(r.started_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'completed', to_char(r.completed_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
    'keys', jsonb_build_object('atStart', r.deks_at_start, 'rewrapped', r.rewrapped, 'setAside', r.set_aside,
      -- rekey.guard_rewrap let it complete.
      'remaining', 0),
    -- From under which KEKs, and which of those DEKs were left there.
    'from', (select coalesce(jsonb_agg(jsonb_build_object('kekId', f.from_kek_id, 'rewrapped', f.rewrapped,
        'setAside', f.set_aside, 'versions', f.versions) order by f.from_kek_id collate "C"), '[]')
      from (select w.from_kek_id, count(w.wrap_version) as rewrapped, count(w.set_aside_for) as set_aside,
          coalesce(jsonb_agg(distinct w.from_kek_version) filter (where w.from_kek_version is not null), '[]') as versions
        from rekey.rewrapped_deks w where w.rewrap_id = r.id group by w.from_kek_id) f),
    'kmsCalls', r.kms_calls,
    -- Over the identities of all DEKs that were rewrapped: the same ones before and after.
    'fingerprint', encode(r.fingerprint_after, 'hex'),
    'events', (select jsonb_build_object('chain', e.chain, 'sequence', e.sequence, 'hash', encode(e.hash, 'hex'))
      from rekey.events e
      where e.chain = coalesce(r.tenant_id, (select i.id from rekey.installation i))
        and e.at > r.completed_at - interval '1 hour' and e.kind = 'rewrap.' || r.status
        and e.payload ->> 'rewrapId' = r.id::text
      order by e.sequence limit 1))
  from rekey.rewraps r where r.id = rewrap and r.status in ('completed', 'completed_with_failures')
$$;
revoke execute on function rekey.rewrap_facts(uuid) from public;
