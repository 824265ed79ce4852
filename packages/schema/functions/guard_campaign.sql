-- A finished campaign never changes, none changes what it is for, and none is completed while a tenant waits or is at work.
-- Names of persons in it may be erased (rekey.erase_actor).
create or replace function rekey.guard_campaign() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  erased rekey.campaigns;
begin
  if tg_op <> 'UPDATE' then
    raise exception 'The record of a campaign is never deleted' using errcode = 'RK002';
  end if;
  erased := old;
  erased.initiated_by := rekey.without_name(old.initiated_by);
  if new is distinct from old and new is not distinct from erased then
    return new;
  end if;
  if old.status not in ('in_progress', 'paused') then
    raise exception 'A finished campaign never changes' using errcode = 'RK002';
  end if;
  if (new.id, new.action, new.selector, new.kek_id, new.ordering, new.tenants, new.initiated_by, new.started_at)
    is distinct from
    (old.id, old.action, old.selector, old.kek_id, old.ordering, old.tenants, old.initiated_by, old.started_at) then
    raise exception 'What a campaign is for never changes' using errcode = 'RK002';
  end if;
  if new.status in ('completed', 'completed_with_failures') and exists (
      select from rekey.campaign_members m where m.campaign_id = new.id and m.state in ('waiting', 'running')) then
    raise exception 'Tenants of the campaign are left' using errcode = 'RK002';
  end if;
  return new;
end
$$;
