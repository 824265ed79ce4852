-- A rotation begins at its beginning (a retry: behind the switch of the one it is of), makes only the moves of rekey.rotation_moves, is completed only where all of it is
-- proved at that moment and nothing casts doubt on it, whoever says so, and never changes afterwards. Names of persons in it may be erased
-- (rekey.erase_actor).
create or replace function rekey.guard_rotation() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  erased rekey.rotations;
begin
  if tg_op = 'INSERT' then
    if new.status = 'in_progress' and new.phase = 'queued' and new.retry_of is null and new.switched_at is null
      and new.drained_at is null then
      return new;
    end if;
    -- A retry begins behind the switch of the one that it is of, which is over and left something.
    if new.status = 'in_progress' and new.phase = 'queued' and exists (
      select from rekey.rotations r join rekey.deks d on d.id = r.new_dek_id
      where r.id = new.retry_of and r.status in ('completed_with_failures', 'failed', 'cancelled')
        and d.state = 'active' and r.switched_at is not null
        and (new.tenant_id, new.previous_dek_id, new.new_dek_id, new.switched_at, new.drained_at)
          is not distinct from (r.tenant_id, r.previous_dek_id, r.new_dek_id, r.switched_at, r.drained_at))
      and new.churn_at_switch is not null then
      return new;
    end if;
    raise exception 'A rotation begins as in_progress and queued, and switched only as a retry of one that has ended'
      using errcode = 'RK005';
  end if;
  -- Not asked of the updates that every rotation makes: they name nobody, or somebody anew.
  if tg_op = 'UPDATE' and (new.initiated_by, new.ended_by) is distinct from (old.initiated_by, old.ended_by) then
    erased := old;
    erased.initiated_by := rekey.without_name(old.initiated_by);
    erased.ended_by := rekey.without_name(old.ended_by);
    if new.initiated_by = old.initiated_by then erased.initiated_by := old.initiated_by; end if;
    if new.ended_by is not distinct from old.ended_by then erased.ended_by := old.ended_by; end if;
    if new is not distinct from erased then
      return new;
    end if;
  end if;
  if tg_op in ('DELETE', 'TRUNCATE') or old.status not in ('in_progress', 'paused') then
    raise exception 'A finished rotation never changes, and none is deleted' using errcode = 'RK005';
  end if;
  if (new.id, new.tenant_id, new.retry_of, new.new_dek_id, new.previous_dek_id, new.items_to_rotate, new.compromise,
      new.kek_id)
    is distinct from (old.id, old.tenant_id, old.retry_of, old.new_dek_id, old.previous_dek_id, old.items_to_rotate,
      old.compromise, old.kek_id) then
    raise exception 'What a rotation is about never changes' using errcode = 'RK005';
  end if;
  if old.policy_version is not null and new.policy_version is distinct from old.policy_version then
    raise exception 'What a rotation is about never changes' using errcode = 'RK005';
  end if;
  if new.superseded_by is not null and (new.status <> 'cancelled' or old.compromise or new.superseded_by = new.id) then
    raise exception 'Only an ordinary rotation is superseded, and cancelled by that' using errcode = 'RK005';
  end if;
  if old.compromise and (new.status = 'paused' or new.items_per_second_max is not null or new.windows is not null) then
    raise exception 'Nothing holds back a rotation because of a compromised key' using errcode = 'RK005',
      hint = 'It can be cancelled.';
  end if;
  if (new.status, new.phase, new.switched_at) is distinct from (old.status, old.phase, old.switched_at)
    and not exists (
      select from rekey.rotation_moves() m
      where m.from_status = old.status and old.phase = any (m.from_phases)
        and m.to_status = new.status and coalesce(m.to_phase, old.phase) = new.phase
        -- The switch is made once, and no other move makes it.
        and case when m.event = 'switch' then old.switched_at is null and new.switched_at is not null
          else new.switched_at is not distinct from old.switched_at end)
  then
    raise exception 'A rotation that is % (%) does not become % (%)', old.status, old.phase, new.status, new.phase
      using errcode = 'RK005';
  end if;
  if new.phase not in (old.phase, 'done') then
    new.phase_times := coalesce(old.phase_times, '{}') || jsonb_build_object(new.phase, clock_timestamp());
  elsif old.status = 'paused' and new.status = 'in_progress' then
    -- While it was paused nobody met what it may have to be ended for.
    new.phase_times := coalesce(old.phase_times, '{}') || jsonb_build_object('resumed', clock_timestamp());
  end if;
  if new.status in ('completed', 'completed_with_failures') then
    if not rekey.everything_proved(new.id) then
      raise exception 'Rotation % is not proved, so it is not completed', new.id
        using errcode = 'RK005', hint = 'select rekey.rotation_proved(id); select * from rekey.completion_problems(id)';
    end if;
    if new.status = 'completed' and exists (select from rekey.rotation_failures f where f.rotation_id = new.id) then
      raise exception 'Rotation % has set records aside', new.id using errcode = 'RK005';
    end if;
  end if;
  return new;
end
$$;
