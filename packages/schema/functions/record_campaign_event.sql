-- A campaign began, was steered, stopped or ended, when its transaction commits: in the chain of the installation.
create or replace function rekey.record_campaign_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.append_event(null,
    case when tg_op = 'INSERT' then 'campaign.requested' when new.status = 'in_progress' then 'campaign.resumed'
      when new.stopped_for is not null then 'campaign.stopped' else 'campaign.' || new.status end, null,
    jsonb_strip_nulls(jsonb_build_object('campaignId', new.id, 'action', new.action, 'selector', new.selector,
      'kek', new.kek_name, 'tenants', new.tenants, 'stoppedFor', new.stopped_for,
      'outcomes', case when tg_op = 'UPDATE' then (select jsonb_object_agg(n.state, n.members) from (
        select m.state, count(*) as members from rekey.campaign_members m where m.campaign_id = new.id group by 1) n) end,
      'reason', nullif(current_setting('rekey.reason', true), ''))));
  return null;
end
$$;
