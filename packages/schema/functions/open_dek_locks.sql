-- What writers under a DEK lock, made when it becomes active, whoever makes it so. A share lock on one row by many
-- transactions costs a multixact for each of them, so the DEK of a busy tenant has eight rows, and each session its own.
create or replace function rekey.open_dek_locks(dek uuid, tenant uuid, number integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Seals reserved under the DEK before this one from which on a tenant counts as busy.
  busy_seals constant bigint := 100000;
  material uuid := (select i.material_id from rekey.dek_identities i where i.dek_id = dek);
  previous uuid;
  slots integer := 8;
begin
  if material is null then
    raise exception 'A DEK without stored material cannot become active' using errcode = 'RK002';
  end if;
  select d.id into previous from rekey.deks d
    where d.tenant_id = tenant and d.key_number < number and d.activated_at is not null
    order by d.key_number desc limit 1;
  -- Of a first DEK nobody knows yet.
  if found and (select coalesce(sum(s.seals), 0) from rekey.dek_seals s where s.dek_id = previous) < busy_seals then
    slots := 1;
  end if;
  insert into rekey.dek_locks (dek_id, slot, slots, tenant_id, key_number, material_id)
    select dek, slot, slots, tenant, number, material from generate_series(0, slots - 1) slot;
end
$$;
