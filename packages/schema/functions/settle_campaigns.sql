-- Writes down what became of the tenants that campaigns started, and stops or completes those campaigns: how many tenants
-- ended. A campaign that another session has just now is left to it.
create or replace function rekey.settle_campaigns() returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  campaign rekey.campaigns;
  ended bigint;
  all_ended bigint := 0;
begin
  for campaign in
    select * from rekey.campaigns c
    where c.status = 'in_progress' or c.id in (select m.campaign_id from rekey.campaign_members m where m.state = 'running')
    order by c.started_at for update skip locked
  loop
    if campaign.action = 'rotate' then
      -- A rotation because of a compromised key does what the one in whose place it came was to do.
      update rekey.campaign_members m set work_id = r.superseded_by
        from rekey.rotations r
        where m.campaign_id = campaign.id and m.state = 'running' and r.id = m.work_id and r.superseded_by is not null;
      update rekey.campaign_members m set state = r.status, reason = r.failure_reason, ended_at = clock_timestamp()
        from rekey.rotations r
        where m.campaign_id = campaign.id and m.state = 'running' and r.id = m.work_id
          and r.status in ('completed', 'completed_with_failures', 'failed', 'cancelled') and r.superseded_by is null;
    else
      update rekey.campaign_members m set state = w.status, ended_at = clock_timestamp()
        from rekey.rewraps w
        where m.campaign_id = campaign.id and m.state = 'running' and w.id = m.work_id and w.completed_at is not null;
    end if;
    get diagnostics ended = row_count;
    all_ended := all_ended + ended;
    continue when campaign.status <> 'in_progress';
    perform set_config('rekey.actor', rekey.campaign_actor(campaign.id)::text, true),
      set_config('rekey.reason', '', true);
    if not campaign.canaries_seen and exists (
        select from rekey.campaign_members m where m.campaign_id = campaign.id and m.canary
          and m.state in ('completed_with_failures', 'failed', 'cancelled')) then
      update rekey.campaigns c set status = 'paused', stopped_for = 'canary' where c.id = campaign.id;
    elsif rekey.campaign_failures(campaign.id) - campaign.failures_seen >= campaign.failures_max then
      update rekey.campaigns c set status = 'paused', stopped_for = 'failures' where c.id = campaign.id;
    elsif not exists (select from rekey.campaign_members m
        where m.campaign_id = campaign.id and m.state in ('waiting', 'running')) then
      update rekey.campaigns c
        set status = case when rekey.campaign_failures(campaign.id) = 0 then 'completed' else 'completed_with_failures' end,
          completed_at = clock_timestamp()
        where c.id = campaign.id;
    end if;
    -- So that the events of one campaign are not told of another: they are written when this is asked for, or at the commit.
    set constraints all immediate;
    set constraints all deferred;
  end loop;
  return all_ended;
end
$$;
revoke execute on function rekey.settle_campaigns() from public;
