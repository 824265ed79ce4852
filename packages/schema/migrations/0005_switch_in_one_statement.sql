-- The switch as one statement: the gate is closed for the time of its commit, not for six round trips, and a worker
-- that is stopped or cut off on the way leaves no gate behind that is closed.

-- With the caller's rights: it needs those on the tables, and `rekey.close_gate`. Each statement in here sees what was
-- committed before it began, so those behind the gate see all that writers committed before it closed.
create function rekey.switch_dek(rotation uuid, tenant uuid, previous uuid, next uuid, patience_ms integer) returns boolean
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('lock_timeout', patience_ms::text, true);
  perform rekey.close_gate(tenant);
  perform from rekey.rotations r
    where r.id = rotation and r.status = 'in_progress' and r.phase = 'activating' and r.switched_at is null
    for update;
  if not found then
    return false;
  end if;
  if previous is not null then
    -- One that was declared compromised since the call is out of use already.
    update rekey.deks d
      set state = case d.state when 'active' then 'deactivated' else d.state end,
        deactivated_at = coalesce(d.deactivated_at, now())
      where d.id = previous and d.state in ('active', 'compromised');
    if not found then
      raise exception 'DEK % was not in the state that this rotation left it in', previous using errcode = 'RK002';
    end if;
  end if;
  update rekey.deks d set state = 'active', activated_at = now() where d.id = next and d.state = 'pre_active';
  if not found then
    raise exception 'DEK % was not in the state that this rotation left it in', next using errcode = 'RK002';
  end if;
  update rekey.rotations r set switched_at = clock_timestamp() where r.id = rotation;
  return true;
end
$$;
