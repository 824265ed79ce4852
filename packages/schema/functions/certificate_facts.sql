-- What the certificate of a completed rotation says, out of the rows and nothing else, so the same whoever asks and whenever;
-- null: it was not completed. A name or an e-mail address is not among it: it could never be erased again.
create or replace function rekey.certificate_facts(rotation uuid) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
  select jsonb_build_object(
    'schemaVersion', 1,
    'rotationId', 'rot-' || r.id,
    -- What it was to finish; its DEK was switched to before it began.
    'retryOf', 'rot-' || r.retry_of,
    'tenantId', r.tenant_id,
    'status', r.status,
    'previousKey', rekey.certified_key(r.previous_dek_id),
    'newKey', rekey.certified_key(r.new_dek_id),
    'requestedBy', jsonb_build_object('id', r.initiated_by -> 'id', 'realm', r.initiated_by -> 'realm'),
    -- As it was given; null: none was.
    'reason', (select e.payload -> 'reason' from rekey.events e
      where e.rotation_id = r.id and e.kind = 'rotation.requested' order by e.sequence limit 1),
    'compromise', r.compromise,
    'times', (select jsonb_object_agg(t.name, to_char(t.at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) from (values
      ('started', r.started_at), ('switched', r.switched_at), ('drained', r.drained_at),
      ('proved', (select max(g.proved_at) from rekey.rotation_ranges g where g.rotation_id = r.id)),
      ('completed', r.completed_at)) t(name, at)),
    -- Counted when the rotation was asked for; the targets' when they were planned.
    'itemsToRotate', r.items_to_rotate,
    'itemsReencrypted', r.progress -> 'rotated',
    'itemsSuperseded', r.progress -> 'superseded',
    'itemsSetAside', r.progress -> 'failed',
    'itemsRemaining', r.progress -> 'remaining',
    'targets', (select coalesce(jsonb_agg(jsonb_build_object(
        'name', g.target, 'itemType', g.item_type, 'toRotate', g.planned, 'reencrypted', g.rotated,
        'superseded', greatest(0, g.planned - g.rotated - g.set_aside - g.remaining),
        'setAside', g.set_aside, 'remaining', g.remaining, 'ranges', g.ranges, 'rangesProved', g.proved,
        -- For the root of a tree over the records, once there is one.
        'merkleRoot', null) order by g.target collate "C"), '[]')
      from (
        select a.target, t.item_type, sum(a.planned)::bigint as planned, sum(a.rotated)::bigint as rotated,
          count(*) as ranges, count(a.proved_at) as proved,
          (select count(*) from rekey.rotation_failures f where f.rotation_id = r.id and f.target = a.target) as set_aside,
          coalesce((select (p.one ->> 'remaining')::bigint from jsonb_array_elements(r.progress -> 'targets') p(one)
            where p.one ->> 'name' = a.target), 0) as remaining
        from rekey.rotation_ranges a join rekey.targets t on t.name = a.target
        where a.rotation_id = r.id group by a.target, t.item_type) g),
    -- The last event of this rotation; its hash covers all those before it.
    'events', (select jsonb_build_object('chain', e.chain, 'sequence', e.sequence, 'hash', encode(e.hash, 'hex'))
      from rekey.events e where e.rotation_id = r.id and e.chain = r.tenant_id order by e.sequence desc limit 1))
    -- Left out where nothing was reported.
    || coalesce((select jsonb_build_object('reportedLatencies', jsonb_build_object(
        'claim', 'reported by applications, not proved', 'before', l.before, 'during', l.during))
      from (select rekey.latencies_reported(r.started_at - interval '10 minutes', r.started_at) as before,
        rekey.latencies_reported(r.started_at, r.completed_at) as during) l
      where l.before is not null or l.during is not null), '{}')
  from rekey.rotations r where r.id = rotation and r.status in ('completed', 'completed_with_failures')
$$;
revoke execute on function rekey.certificate_facts(uuid) from public;
