-- Closes the locks of every DEK of the tenant that is not active any more and that nobody holds; whether none is open
-- then: no record can be written under an older DEK from there on. Waits for nobody. One statement of its own, committed
-- at once: its commit is the only thing that a writer may have to wait for.
--
-- Those that are held drain: transactions that are younger than the switch are refused from now on, so that the older
-- ones are all that is waited for (the horizon). Within the switch itself none is set: whoever reads the old pointer
-- until its commit would be refused.
create or replace function rekey.drain_older(tenant uuid, in_switch boolean default false) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  draining uuid[];
begin
  if not in_switch then
    -- Seen before this transaction has a number: that number is larger then than that of whoever read the old pointer.
    -- (pg_snapshot_xmax will not do: it is the last number that is finished, plus one.)
    draining := array(
      select h.dek_id from rekey.dek_drains h join rekey.deks d on d.id = h.dek_id
      where h.tenant_id = tenant and h.drain_before is null and d.state <> 'active');
  end if;

  -- The state of each lock's DEK is looked up by itself. Joined, the planner begins with the DEKs that are not active, of which
  -- its statistics know hardly one at first, and every switch reads all DEKs of all tenants.
  update rekey.dek_locks l set closed_at = clock_timestamp()
    where (l.dek_id, l.slot) in (
      select o.dek_id, o.slot from rekey.dek_locks o
      where o.tenant_id = tenant and o.closed_at is null
        and (select d.state from rekey.deks d where d.id = o.dek_id) <> 'active'
      for update of o skip locked);
  delete from rekey.dek_drains h
    where h.tenant_id = tenant
      and not exists (select from rekey.dek_locks l where l.dek_id = h.dek_id and l.closed_at is null);
  if not exists (
    select from rekey.dek_locks l
    where l.tenant_id = tenant and l.closed_at is null
      and (select d.state from rekey.deks d where d.id = l.dek_id) <> 'active'
  ) then
    return true;
  end if;

  if not in_switch then
    update rekey.dek_drains h set drain_before = pg_current_xact_id()
      where h.dek_id = any (draining) and h.drain_before is null;
  end if;
  return false;
end
$$;
revoke execute on function rekey.drain_older(uuid, boolean) from public;
