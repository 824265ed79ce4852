-- Whether a campaign may start a tenant now: `canary` (as one), `any`, or what it waits for: `at_once`, `per_hour`, `canaries`,
-- `compromise`, since keys that others know are replaced before anything else is begun, and `stop`: it is to stop for what became of
-- tenants while it was paused, which rekey.settle_campaigns writes down.
create or replace function rekey.campaign_room(campaign rekey.campaigns) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with canary as (
    select count(*) filter (where m.state <> 'skipped') as chosen, count(*) filter (where m.state = 'completed') as well,
      count(*) filter (where m.state in ('completed_with_failures', 'failed', 'cancelled')) as ill
    from rekey.campaign_members m where m.campaign_id = campaign.id and m.canary)
  select case
    when campaign.action = 'rotate' and exists (
      select from rekey.rotations r where r.status = 'in_progress' and r.compromise) then 'compromise'
    when not campaign.canaries_seen and (select c.ill from canary c) > 0
      or rekey.campaign_failures(campaign.id) - campaign.failures_seen >= campaign.failures_max then 'stop'
    when (select count(*) from rekey.campaign_members m where m.campaign_id = campaign.id and m.state = 'running')
      >= campaign.at_once_max then 'at_once'
    when (select count(*) from rekey.campaign_members m where m.campaign_id = campaign.id
      and m.started_at > clock_timestamp() - interval '1 hour') >= campaign.per_hour_max then 'per_hour'
    when campaign.canaries_seen or (select c.well from canary c) >= campaign.canaries then 'any'
    when (select c.chosen from canary c) >= campaign.canaries then 'canaries'
    else 'canary' end
$$;
revoke execute on function rekey.campaign_room(rekey.campaigns) from public;
