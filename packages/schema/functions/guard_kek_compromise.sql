-- What was found of a compromised KEK stays, and none is completed while a DEK is under it, or one that was under it may still
-- seal. Names of persons in it may be erased (rekey.erase_actor).
create or replace function rekey.guard_kek_compromise() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  erased rekey.kek_compromises;
begin
  if tg_op <> 'UPDATE' or tg_table_name <> 'kek_compromises' then
    raise exception 'The record of a compromised KEK is never deleted or changed' using errcode = 'RK002';
  end if;
  erased := old;
  erased.initiated_by := rekey.without_name(old.initiated_by);
  if new is distinct from old and new is not distinct from erased then
    return new;
  end if;
  if old.status <> 'in_progress' then
    raise exception 'A finished operation on a compromised KEK never changes' using errcode = 'RK002';
  end if;
  if (new.id, new.kek_name, new.kek_id, new.target_name, new.target_kek_id, new.reason, new.initiated_by, new.started_at,
      new.forced, new.caller, new.idempotency_key, new.body_hash)
    is distinct from (old.id, old.kek_name, old.kek_id, old.target_name, old.target_kek_id, old.reason, old.initiated_by,
      old.started_at, old.forced, old.caller, old.idempotency_key, old.body_hash) then
    raise exception 'Which KEK is compromised never changes' using errcode = 'RK002';
  end if;
  if new.status = 'completed' and exists (select from rekey.dek_material m where m.kek_id = new.kek_id) then
    raise exception 'DEKs are under the KEK %', new.kek_id using errcode = 'RK002';
  end if;
  if new.status = 'completed' and exists (
      select from rekey.kek_compromise_deks c join rekey.deks d on d.id = c.dek_id
      where c.compromise_id = new.id and d.state not in ('compromised', 'destroyed')) then
    raise exception 'DEKs that were under the KEK % are in use', new.kek_id using errcode = 'RK002';
  end if;
  return new;
end
$$;
