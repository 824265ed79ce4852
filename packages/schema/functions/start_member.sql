-- Starts the next tenant of a running campaign that has room for one, and writes that down, in one transaction: whoever dies
-- before its end has started nothing, and after it nobody starts that tenant again. Campaigns that another session has just
-- now are left to it, so that two never count the same room.
--
-- Nor does anybody who steers a campaign wait for a tenant that somebody has: that one is the next one again, at the next look.
--
-- `started` with the rotation or rewrap; `skipped` and `failed` with the reason, and the next one may be started at once. No
-- row: there is nothing to start now.
create or replace function rekey.start_member(no_items jsonb)
returns table (outcome text, campaign_id uuid, tenant_id uuid, action text, work_id uuid)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  lock_timeout_before constant text := current_setting('lock_timeout');
  campaign rekey.campaigns;
  room text;
  next rekey.campaign_members;
  actor jsonb;
  work uuid;
  found_outcome text;
  work_started uuid;
begin
  for campaign in
    select * from rekey.campaigns c where c.status = 'in_progress' order by c.started_at for update skip locked
  loop
    room := rekey.campaign_room(campaign);
    continue when room not in ('any', 'canary');
    select * into next from rekey.campaign_members m
      where m.campaign_id = campaign.id and m.state = 'waiting' order by m.position limit 1;
    continue when not found;
    actor := rekey.campaign_actor(campaign.id);
    work := gen_random_uuid();
    perform set_config('rekey.actor', actor::text, true), set_config('rekey.reason', coalesce(campaign.reason, ''), true);
    begin
      perform set_config('lock_timeout', '200ms', true);
      if campaign.action = 'rotate' then
        select case when b.id = work then 'started' else 'rotation_in_progress' end, b.id into found_outcome, work_started
          from rekey.begin_rotation(work, next.tenant_id, gen_random_uuid(), actor, no_items, false, null) b;
      else
        select s.outcome, s.rewrap_id into found_outcome, work_started
          from rekey.start_rewrap(work, next.tenant_id, campaign.kek_name, campaign.calls_per_second_max, false,
            campaign.reason, actor, null, null, null) s;
        found_outcome := case found_outcome when 'in_progress' then 'rewrap_in_progress' when 'lacking' then 'kek_lacking'
          else found_outcome end;
      end if;
      perform set_config('lock_timeout', lock_timeout_before, true);
    exception when lock_not_available or deadlock_detected then
      continue;
    end;
    found_outcome := coalesce(found_outcome, 'tenant_not_found');
    update rekey.campaign_members m
      set state = case when found_outcome = 'started' then 'running'
          when found_outcome in ('rotation_in_progress', 'rewrap_in_progress') then 'skipped' else 'failed' end,
        canary = room = 'canary', work_id = work_started,
        reason = nullif(found_outcome, 'started'),
        started_at = case when found_outcome = 'started' then clock_timestamp() end,
        ended_at = case when found_outcome <> 'started' then clock_timestamp() end
      where m.campaign_id = campaign.id and m.position = next.position;
    return query select case when found_outcome = 'started' then 'started'
        when found_outcome in ('rotation_in_progress', 'rewrap_in_progress') then 'skipped' else 'failed' end,
      campaign.id, next.tenant_id, campaign.action, work_started;
    return;
  end loop;
end
$$;
revoke execute on function rekey.start_member(jsonb) from public;
