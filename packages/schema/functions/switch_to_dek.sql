-- The switch: the previous DEK to deactivated, the new one to active, the rotation marked as switched, in one statement
-- or not at all. It waits for no writer: whoever holds the previous DEK goes on under it, and it drains. Its last act
-- tries to close that DEK's locks, which succeeds where nobody writes just then; the rotation has drained with it then, and
-- that is said by the same update, for a small rotation waits for the disk as seldom as can be.
--
-- Where a rotation is because of a compromised key, that DEK is declared so in here: who holds it is refused from then on.
--
-- 'not_ours': this rotation is not the one to switch any more. 'integrity': nothing was done, since what the guarantee rests
-- on is not as it must be (rekey.integrity_problems). 'draining', 'drained': whether older DEKs are still held.
create or replace function rekey.switch_to_dek(rotation uuid, tenant uuid, previous uuid, next uuid) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  because_compromised boolean;
  switched timestamptz;
  churn jsonb;
  drained boolean;
begin
  -- Nobody but a session of an older version, which locked the DEK's own row, can be in the way of this.
  perform set_config('lock_timeout', '200ms', true);
  select r.compromise into because_compromised from rekey.rotations r
    where r.id = rotation and r.tenant_id = tenant and r.status = 'in_progress' and r.phase = 'activating'
      and r.switched_at is null and r.new_dek_id = next
    for update;
  if not found then
    return 'not_ours';
  end if;
  -- Nothing is switched to what could not be proved.
  if exists (select from rekey.integrity_problems(tenant)) then
    return 'integrity';
  end if;
  if previous is not null then
    -- One that was declared compromised since the call is out of use already.
    update rekey.deks d
      set state = case d.state when 'active' then 'deactivated' else d.state end,
        deactivated_at = coalesce(d.deactivated_at, now())
      where d.id = previous and d.tenant_id = tenant and d.state in ('active', 'compromised');
    if not found then
      raise exception 'DEK % was not in the state that this rotation left it in', previous using errcode = 'RK002';
    end if;
  end if;
  update rekey.deks d set state = 'active', activated_at = now()
    where d.id = next and d.tenant_id = tenant and d.state = 'pre_active';
  if not found then
    raise exception 'DEK % was not in the state that this rotation left it in', next using errcode = 'RK002';
  end if;
  -- Not before, or the tenant would have no active DEK for a moment; and not in a transaction of its own, or those who hold
  -- it could go on writing under it between the two.
  if because_compromised and previous is not null then
    perform rekey.mark_compromised(previous, rotation);
  end if;
  switched := clock_timestamp();
  select coalesce(jsonb_object_agg(t.name, kept.churn), '{}') into churn
    from rekey.targets t, rekey.kept_count(tenant, t.name) kept where t.retired_at is null;
  drained := rekey.drain_older(tenant, true);
  update rekey.rotations r
    set switched_at = switched, churn_at_switch = churn, drained_at = case when drained then clock_timestamp() end
    where r.id = rotation;
  return case when drained then 'drained' else 'draining' end;
end
$$;
revoke execute on function rekey.switch_to_dek(uuid, uuid, uuid, uuid) from public;
