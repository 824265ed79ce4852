-- What a plan is estimated by: the last fifty rotations that finished here as they would now (not held back, and no retries), with
-- what those took that had a plan; what stands before a call of now; the number of the DEK that the tenant has; and how many workers are at work.
create or replace function rekey.plan_facts(tenant uuid) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'activeKey', (select d.key_number from rekey.deks d where d.tenant_id = tenant and d.state = 'active'),
    'workers', (select count(*) from rekey.processes p
      where p.kind = 'worker' and rekey.is_at_work(p.heartbeat_at, p.beat_at, p.ended_at)),
    'queue', (select jsonb_build_object(
        'running', count(*) filter (where r.phase not in ('queued', 'activating')),
        'waiting', count(*) filter (where r.phase in ('queued', 'activating')),
        'itemsAhead', coalesce(sum((select sum(v.value::bigint)
          from jsonb_each_text(coalesce(r.progress -> 'remaining', r.items_to_rotate)) v)), 0))
      from rekey.rotations r where r.status = 'in_progress'),
    'finished', coalesce((select jsonb_agg(jsonb_build_object(
        'items', f.items, 'seconds', f.seconds, 'bytes', f.bytes, 'walBytes', f.wal_bytes)) from (
      select (select sum(v.value::bigint) from jsonb_each_text(r.progress -> 'rotated') v) as items,
        greatest(extract(epoch from r.completed_at - r.started_at), 0.001) as seconds,
        (p.progress ->> 'bytes')::bigint as bytes, pg_wal_lsn_diff(p.wal_end, p.wal_begin) as wal_bytes
      from rekey.rotations r left join rekey.plans p on p.rotation_id = r.id
      where r.completed_at is not null and r.status in ('completed', 'completed_with_failures')
        and r.retry_of is null and r.items_per_second_max is null
      order by r.completed_at desc limit 50) f where f.items is not null), '[]'))
$$;
revoke execute on function rekey.plan_facts(uuid) from public;
