-- Key states only move forward (NIST SP 800-57 part 1, section 7), identities never.
create or replace function rekey.guard_dek() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    if new.state <> 'pre_active' then
      raise exception 'A DEK begins as pre_active' using errcode = 'RK002';
    end if;
    -- Else one with the largest number would be the tenant's last.
    if new.key_number is distinct from
      (select coalesce(max(d.key_number), 0) + 1 from rekey.deks d where d.tenant_id = new.tenant_id) then
      raise exception 'The number of a DEK is the next one of its tenant' using errcode = 'RK002';
    end if;
    return new;
  end if;
  if tg_op in ('DELETE', 'TRUNCATE') then
    raise exception 'The record of a DEK is never deleted' using errcode = 'RK002';
  end if;
  if (new.id, new.tenant_id, new.key_number) is distinct from (old.id, old.tenant_id, old.key_number) then
    raise exception 'The identity of a DEK never changes' using errcode = 'RK002';
  end if;
  if new.state = old.state then
    return new;
  end if;
  if (old.state, new.state) not in (
    ('pre_active', 'active'), ('pre_active', 'destroyed'),
    ('active', 'deactivated'), ('active', 'compromised'),
    ('deactivated', 'compromised'), ('deactivated', 'destroyed'),
    ('compromised', 'destroyed')
  ) then
    raise exception 'A DEK cannot go from % to %', old.state, new.state using errcode = 'RK002';
  end if;
  if new.state = 'compromised' then
    insert into rekey.dek_compromises (dek_id, tenant_id) values (new.id, new.tenant_id);
    -- A version of its own for those whose snapshot is older than this: the fence looks at it (rekey.install_fence).
    update rekey.dek_identities i set material_id = i.material_id where i.dek_id = new.id;
    -- Who agreed to its destruction did so to that of another kind of key, which nobody may want to look into.
    delete from rekey.destruction_approvals a using rekey.key_destructions r
      where r.dek_id = new.id and a.request_id = r.request_id;
  end if;
  if new.state = 'active' then
    perform rekey.open_dek_locks(new.id, new.tenant_id, new.key_number);
  elsif old.state = 'active' then
    insert into rekey.dek_drains (dek_id, tenant_id) values (new.id, new.tenant_id) on conflict do nothing;
  end if;
  -- A DEK that never was active has sealed nothing: its tenant's records need not be looked through.
  if new.state = 'destroyed' and old.state <> 'pre_active' then
    perform rekey.refuse_to_destroy(old.id, old.tenant_id, old.key_number);
  end if;
  if new.state = 'destroyed' then
    -- Whoever holds it unwrapped lets go of it.
    perform rekey.tell_of_deks(new.tenant_id);
  end if;
  return new;
end
$$;
