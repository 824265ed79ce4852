-- How all rotations stand, or those of one tenant: by status, which of them need a person, and how old active DEKs are, to the full hour. A
-- person is needed for what was paused a day ago and not resumed, for what ended with something left and has no completed rotation
-- behind it, and for waits that do not end by themselves. Of a tenant it is counted; of all it is kept, and counted as long as it is not
-- (rekey.keep_summary). What has not ended is looked at.
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
  is_time constant text := '^20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?Z$';
  ages constant integer[] := array[365, 180, 90, 30, 7, 1];
  -- Whoever became active before is older than that.
  since constant timestamptz[] := array(
    select date_trunc('hour', clock_timestamp(), 'UTC') - a.days * interval '24 hours' from unnest(ages) a(days));
  is_kept constant boolean := of_tenant is null and (select s.settled_at is not null from rekey.summary_state s);
begin
  return (
    with figures as materialized (
      select * from rekey.summary_counts where is_kept
      union all select * from rekey.summary_deltas where is_kept
      union all select * from rekey.count_figures(of_tenant) where not is_kept),
    unended as materialized (
      select r.id, r.tenant_id, r.status, case
          -- Signs of life go on being given for it. By the first of its month, so that no day of it can be none.
          when r.status = 'in_progress' and w.since ~ is_time
            then overlay(w.since placing '01' from 9)::timestamptz + (substr(w.since, 9, 2)::integer - 1) * interval '24 hours'
          else coalesce(r.heartbeat_at, r.started_at) end as since, case
          when r.status = 'paused' then case when r.heartbeat_at < clock_timestamp() - paused_too_long then 'paused' end
          when r.waiting_for in ('integrity', 'internal', 'kek_suspended') then r.waiting_for end as reason
      from rekey.rotations r cross join lateral (values (r.waiting_detail ->> 'since')) w (since)
      where r.status in ('in_progress', 'paused') and (of_tenant is null or r.tenant_id = of_tenant)),
    needs as materialized (
      select u.id, u.tenant_id, u.since, u.reason from unended u where u.reason is not null
      union all
      select n.rotation_id, n.tenant_id, n.since, n.reason from rekey.rotation_needs n
        -- Looked for one by one: there are few, and very many that are completed.
        where is_kept and (
          select l.id from rekey.rotations l
          where l.tenant_id = n.tenant_id and l.status = 'completed' and l.started_at > n.started_at limit 1) is null
      union all
      select n.rotation_id, n.tenant_id, n.since, n.reason from rekey.find_needs(of_tenant) n where not is_kept),
    by_status as (
      select u.status, count(*) as rotations from unended u group by 1
      union all
      select f.what, sum(f.counted) from figures f where f.what <> 'key' group by 1),
    by_reason as (select n.reason, count(*) as rotations from needs n group by 1),
    named as (select * from needs n order by n.since, n.id limit named_max),
    aged as (
      select ages[width_bucket(f.hour, since)] as days, sum(f.counted) as keys from figures f where f.what = 'key' group by 1)
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
