-- Ends a rewrap if nothing is left to it: how many DEKs are. Null: whoever calls has it no more. rekey.guard_rewrap holds it
-- against what stands there.
create or replace function rekey.complete_rewrap(rewrap uuid, claimed_by uuid) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  ours rekey.rewraps;
  remaining bigint;
begin
  select * into ours from rekey.rewraps r
    where r.id = rewrap and r.owner = claimed_by and r.status = 'in_progress' for update;
  if not found then
    return null;
  end if;
  select count(*) into remaining from rekey.deks_outside(ours.kek_id, ours.tenant_id, ours.id);
  if remaining > 0 then
    update rekey.rewraps r set deks = r.rewrapped + r.set_aside + remaining, heartbeat_at = clock_timestamp()
      where r.id = rewrap;
    return remaining;
  end if;
  update rekey.rewraps r
    set status = case when r.set_aside = 0 then 'completed' else 'completed_with_failures' end,
      completed_at = clock_timestamp(), owner = null, waiting_for = null, waiting_detail = null,
      deks = r.rewrapped + r.set_aside
    where r.id = rewrap;
  return 0;
end
$$;
revoke execute on function rekey.complete_rewrap(uuid, uuid) from public;
