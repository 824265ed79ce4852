-- Pauses, resumes or cancels a campaign: whether it is otherwise than before. What it has started goes on. Whoever resumes one
-- that stopped by itself accepts what it stopped for.
create or replace function rekey.steer_campaign(campaign uuid, wanted text, why text, actor jsonb) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if wanted not in ('paused', 'in_progress', 'cancelled') then
    raise exception 'A campaign is paused, resumed or cancelled' using errcode = 'RK002';
  end if;
  perform rekey.say_who_and_why(actor, why);
  update rekey.campaigns c
    set status = wanted, stopped_for = null,
      canaries_seen = c.canaries_seen or coalesce(wanted = 'in_progress' and c.stopped_for = 'canary', false),
      failures_seen = case when wanted = 'in_progress' and c.stopped_for is not null
        then rekey.campaign_failures(c.id) else c.failures_seen end,
      completed_at = case when wanted = 'cancelled' then clock_timestamp() end
    where c.id = campaign and c.status in ('in_progress', 'paused') and c.status <> wanted;
  return found;
end
$$;
revoke execute on function rekey.steer_campaign(uuid, text, text, jsonb) from public;
