-- How unfinished campaigns stand, for all of them together: {"campaigns": {<state>: n}, "tenants": {<state>: n}, "items": n}.
-- A campaign that paused by itself is `stopped`; items are the records of tenants that have not ended, as they were counted when
-- it began.
create or replace function rekey.campaign_figures() returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
as $$
  with unfinished as (
    select c.id, case when c.stopped_for is not null then 'stopped' else c.status end as state
    from rekey.campaigns c where c.status in ('in_progress', 'paused')
  ), members as (
    select m.state, count(*) as tenants, sum(m.items) filter (where m.state in ('waiting', 'running')) as items
    from unfinished u join rekey.campaign_members m on m.campaign_id = u.id group by 1
  )
  select jsonb_build_object(
    'campaigns', (select coalesce(jsonb_object_agg(s.state, s.campaigns), '{}') from (
      select u.state, count(*) as campaigns from unfinished u group by 1) s),
    'tenants', (select coalesce(jsonb_object_agg(m.state, m.tenants), '{}') from members m),
    'items', (select coalesce(sum(m.items), 0) from members m))
$$;
revoke execute on function rekey.campaign_figures() from public;
