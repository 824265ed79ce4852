-- How much there is to do, for all tenants together. A unit of work is what one worker does at a time: a range of a rotation of
-- more than small_items records, any smaller rotation as a whole, and the step from one phase to the next. Of a rotation that
-- is paused, out of its windows, throttled to a stop, whose KEK is suspended or whose integrity somebody has to see to there is none, nor of ranges that are swept and
-- only wait for the drain. Under way is what has given a sign of life within silent_ms. Amounts of records are as they were
-- planned, so that nothing is counted here.
create or replace function rekey.work_figures(small_items bigint, silent_ms integer)
returns table (
  work bigint, under_way bigint, items_remaining bigint, rotations_draining bigint, events_waiting bigint,
  rotations jsonb, waits jsonb
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  with unfinished as (
    select r.id, r.status, r.phase, r.waiting_for, r.heartbeat_at, r.items_to_rotate,
      r.status = 'in_progress' and coalesce(r.waiting_for, '') not in ('kek_suspended', 'integrity')
        and coalesce(r.window_opens_at <= clock_timestamp(), true)
        and not exists (select from rekey.rotation_throttles t where t.rotation_id = r.id and t.level = 'stop'
          and t.seen_at > clock_timestamp() - interval '10 seconds') as runs,
      exists (select from rekey.dek_drains h where h.tenant_id = r.tenant_id) as drains
    from rekey.rotations r where r.status in ('in_progress', 'paused')
  ), planned as (
    select u.id, g.planned, count(g.ordinal) as open, g.remaining,
      count(g.ordinal) filter (where not (g.swept and u.drains)) as ready,
      count(g.ordinal) filter (where g.owner is not null and g.heartbeat_at between
        clock_timestamp() - make_interval(secs => silent_ms / 1000.0) and clock_timestamp() + interval '10 seconds') as held
    from unfinished u left join lateral (
      select a.ordinal, a.swept, a.owner, a.heartbeat_at, a.proved_at,
        sum(a.planned) over () as planned,
        sum(case when a.proved_at is null then greatest(a.planned - a.rotated - a.failed, 0) end) over () as remaining
      from rekey.rotation_ranges a where a.rotation_id = u.id) g on g.proved_at is null
    group by u.id, g.planned, g.remaining
  ), units as (
    select u.*, p.open, p.remaining,
      case when not u.runs then 0
        when u.phase in ('queued', 'activating') or p.open = 0 then 1
        when p.planned <= small_items then least(p.ready, 1)
        else p.ready end as work,
      case when u.phase in ('queued', 'activating') or p.open = 0 or p.planned <= small_items
        then coalesce(u.heartbeat_at between clock_timestamp() - make_interval(secs => silent_ms / 1000.0)
          and clock_timestamp() + interval '10 seconds', false)::int
        else p.held end as at_work
    from unfinished u join planned p using (id)
  )
  select coalesce(sum(u.work), 0)::bigint, coalesce(sum(least(u.work, u.at_work)), 0)::bigint,
    coalesce(sum(case when u.open = 0 and u.phase in ('queued', 'activating')
      then (select sum(v.value::bigint) from jsonb_each_text(u.items_to_rotate) v) else u.remaining end), 0)::bigint,
    count(*) filter (where u.drains),
    (select count(*) from (select from rekey.event_outbox limit 10000) e),
    (select coalesce(jsonb_object_agg(s.name, s.rotations), '{}') from (
      select case x.status when 'paused' then 'paused' else x.phase end as name, count(*) as rotations
      from unfinished x group by 1) s),
    (select coalesce(jsonb_object_agg(s.waiting_for, s.rotations), '{}') from (
      select x.waiting_for, count(*) as rotations from unfinished x
      where x.status = 'in_progress' and x.waiting_for is not null group by 1) s)
  from units u
$$;
revoke execute on function rekey.work_figures(bigint, integer) from public;
