-- Wrapped material is stored once, for a DEK that is not in use yet; changed only by a rewrap; deleted only after its
-- DEK is destroyed. Its identity is made with it and outlives every rewrap. The KEK that it names is the one that wrapped it.
create or replace function rekey.guard_dek_material() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  stands text;
begin
  if tg_op = 'INSERT' then
    -- The share lock keeps a cancelled rotation from leaving material behind a DEK that is being destroyed. By its id alone:
    -- with its state in the statement, one that was planned when none was pre_active reads all that are.
    select d.state into stands from rekey.deks d where d.id = new.dek_id for share;
    if stands is distinct from 'pre_active' then
      raise exception 'Material is stored only for a pre_active DEK' using errcode = 'RK002';
    end if;
    insert into rekey.dek_identities (dek_id) values (new.dek_id) on conflict do nothing;
    new.kek_id := rekey.kek_id_of(new.kek_uri, new.wrapped, new.kek_id);
    if exists (select from rekey.tenant_keks k join rekey.deks d on d.id = new.dek_id
        where k.kek_id = new.kek_id and k.tenant_id <> d.tenant_id) then
      raise exception 'The KEK % is another tenant''s', new.kek_id using errcode = 'RK002';
    end if;
    return new;
  end if;
  if tg_op = 'UPDATE' then
    if new.dek_id <> old.dek_id or new.wrap_version <> old.wrap_version + 1 then
      raise exception 'Wrapped material changes only by a rewrap' using errcode = 'RK002';
    end if;
    -- What is overwritten, before it is deleted, says nothing of a KEK.
    if not exists (select from rekey.deks d where d.id = old.dek_id and d.state = 'destroyed') then
      new.kek_id := rekey.kek_id_of(new.kek_uri, new.wrapped, new.kek_id);
      if new.kek_id <> old.kek_id and exists (select from rekey.tenant_keks k join rekey.deks d on d.id = new.dek_id
          where k.kek_id = new.kek_id and k.tenant_id <> d.tenant_id) then
        raise exception 'The KEK % is another tenant''s', new.kek_id using errcode = 'RK002';
      end if;
    end if;
    return new;
  end if;
  if tg_op = 'DELETE' and exists (select from rekey.deks d where d.id = old.dek_id and d.state = 'destroyed') then
    delete from rekey.dek_checks c where c.dek_id = old.dek_id;
    return old;
  end if;
  raise exception 'Material is deleted only after its DEK is destroyed' using errcode = 'RK003';
end
$$;
