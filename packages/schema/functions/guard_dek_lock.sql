-- A lock is closed once and for all, and nothing else of it ever changes.
create or replace function rekey.guard_dek_lock() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and old.closed_at is null and new.closed_at is not null
    and (new.dek_id, new.slot, new.slots, new.tenant_id, new.key_number, new.material_id)
      is not distinct from (old.dek_id, old.slot, old.slots, old.tenant_id, old.key_number, old.material_id)
    and exists (select from rekey.deks d where d.id = old.dek_id and d.state <> 'active') then
    return new;
  end if;
  raise exception 'The lock of a DEK is closed once, after its DEK was active, and never changes otherwise'
    using errcode = 'RK002';
end
$$;
