-- What became of a tenant in a campaign is written once: from waiting to running or skipped, and from running to an end.
create or replace function rekey.guard_campaign_member() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op <> 'UPDATE' then
    raise exception 'The record of a campaign is never deleted' using errcode = 'RK002';
  end if;
  if old.state not in ('waiting', 'running') then
    raise exception 'What became of a tenant in a campaign never changes' using errcode = 'RK002';
  end if;
  if (new.campaign_id, new.position, new.tenant_id, new.items)
    is distinct from (old.campaign_id, old.position, old.tenant_id, old.items)
    or new.state = 'waiting' or (old.state = 'running' and (new.canary, new.started_at) is distinct from (old.canary, old.started_at))
  then
    raise exception 'That is no step of a tenant in a campaign' using errcode = 'RK002';
  end if;
  -- One that has ended starts nothing; what runs is still followed to its end.
  if old.state = 'waiting' and not exists (
      select from rekey.campaigns c where c.id = new.campaign_id and c.status = 'in_progress') then
    raise exception 'The campaign does not run' using errcode = 'RK002';
  end if;
  return new;
end
$$;
