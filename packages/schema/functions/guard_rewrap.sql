-- A finished rewrap never changes, and none is completed while a DEK that it was for stands elsewhere, or otherwise than when
-- it was read back, or is not the one that it was. Names of persons in it may be erased (rekey.erase_actor).
create or replace function rekey.guard_rewrap() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  erased rekey.rewraps;
begin
  if tg_op <> 'UPDATE' then
    raise exception 'The record of a rewrap is never deleted' using errcode = 'RK002';
  end if;
  erased := old;
  erased.initiated_by := rekey.without_name(old.initiated_by);
  if new is distinct from old and new is not distinct from erased then
    return new;
  end if;
  if old.status not in ('in_progress', 'paused') then
    raise exception 'A finished rewrap never changes' using errcode = 'RK002';
  end if;
  if (new.id, new.tenant_id, new.kek_name, new.kek_id, new.from_kek_id, new.forced, new.initiated_by, new.started_at,
      new.wrapped_before, new.policy_version)
    is distinct from (old.id, old.tenant_id, old.kek_name, old.kek_id, old.from_kek_id, old.forced, old.initiated_by,
      old.started_at, old.wrapped_before, old.policy_version) then
    raise exception 'What a rewrap is for never changes' using errcode = 'RK002';
  end if;
  if new.status not in ('completed', 'completed_with_failures') then
    return new;
  end if;
  if exists (select from rekey.deks_outside(new.kek_id, new.tenant_id, new.id)) then
    raise exception 'DEKs are left under another KEK than %, or as they were wrapped before', new.kek_id using errcode = 'RK002';
  end if;
  if exists (select from rekey.rewrapped_deks w join rekey.dek_material m on m.dek_id = w.dek_id
      where w.rewrap_id = new.id and w.wrap_version = m.wrap_version and w.wrapped_hash <> sha256(m.wrapped)) then
    raise exception 'What was rewrapped is not what was read back' using errcode = 'RK002';
  end if;
  if new.status = 'completed' and exists (
      select from rekey.rewrapped_deks w where w.rewrap_id = new.id and w.set_aside_for is not null) then
    raise exception 'DEKs were set aside' using errcode = 'RK002';
  end if;
  select sha256(coalesce(string_agg(w.fingerprint, ''::bytea order by w.dek_id), ''::bytea)),
      sha256(coalesce(string_agg(rekey.dek_fingerprint(w.dek_id), ''::bytea order by w.dek_id), ''::bytea))
    into new.fingerprint_before, new.fingerprint_after
    from rekey.rewrapped_deks w where w.rewrap_id = new.id;
  if new.fingerprint_before <> new.fingerprint_after then
    raise exception 'A DEK is not the one that was rewrapped' using errcode = 'RK002';
  end if;
  return new;
end
$$;
