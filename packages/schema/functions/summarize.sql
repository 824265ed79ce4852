-- How all rotations stand, or those of one tenant: by status, which of them need a person, and how old active DEKs are. A person
-- is needed for what was paused a day ago and not resumed, for what ended with something left and has no completed rotation
-- behind it, and for waits that do not end by themselves.
create or replace function rekey.summarize(of_tenant uuid) returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
-- One tenant's are found by an index, all are read.
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  paused_too_long constant interval := '24 hours';
  named_max constant integer := 100;
  day constant interval := '24 hours';
begin
  return (
    with by_status as (
      select r.status, count(*) as rotations from rekey.rotations r
      where of_tenant is null or r.tenant_id = of_tenant group by r.status),
    unended as (
      select r.id, r.tenant_id, coalesce(r.completed_at, r.heartbeat_at, r.started_at) as since,
        case when r.status <> 'in_progress' then r.status else r.waiting_for end as reason
      from rekey.rotations r
      where r.status in ('in_progress', 'paused', 'failed', 'completed_with_failures')
        and (of_tenant is null or r.tenant_id = of_tenant)
        and case r.status
          when 'in_progress' then coalesce(r.waiting_for in ('integrity', 'internal', 'kek_suspended'), false)
          when 'paused' then r.heartbeat_at < clock_timestamp() - paused_too_long
          else not exists (
            select from rekey.rotations l
            where l.tenant_id = r.tenant_id and l.status = 'completed' and l.started_at > r.started_at) end),
    by_reason as (select u.reason, count(*) as rotations from unended u group by u.reason),
    named as (select * from unended u order by u.since, u.id limit named_max),
    aged as (
      select b.days, count(*) as keys
      from rekey.deks d cross join lateral (
        select min(b.days) as days from unnest(array[1, 7, 30, 90, 180, 365]) b(days)
        where d.activated_at > clock_timestamp() - b.days * day) b
      where d.state = 'active' and (of_tenant is null or d.tenant_id = of_tenant) group by b.days)
    select jsonb_build_object(
      'rotations', (select coalesce(jsonb_object_agg(s.status, s.rotations), '{}') from by_status s),
      'reasons', (select coalesce(jsonb_object_agg(n.reason, n.rotations), '{}') from by_reason n),
      'named', (select coalesce(jsonb_agg(jsonb_build_object(
          'id', n.id, 'tenantId', n.tenant_id, 'reason', n.reason, 'sinceMs', floor(extract(epoch from n.since) * 1000))
        order by n.since, n.id), '[]') from named n),
      'ages', (select coalesce(jsonb_agg(jsonb_build_object('days', a.days, 'keys', a.keys)), '[]') from aged a)));
end
$$;
revoke execute on function rekey.summarize(uuid) from public;
