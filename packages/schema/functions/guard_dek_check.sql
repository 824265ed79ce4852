-- What a DEK is recognised by is stored by the transaction that stored its material, never changes, and goes with it: whoever
-- could put another value there later would have every process refuse the DEK.
create or replace function rekey.guard_dek_check() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    if exists (select from rekey.dek_material m where m.dek_id = new.dek_id and m.xmin = pg_current_xact_id()::xid) then
      return new;
    end if;
    raise exception 'What a DEK is recognised by is stored with its material' using errcode = 'RK002';
  end if;
  if tg_op = 'DELETE' then
    if exists (select from rekey.deks d where d.id = old.dek_id and d.state = 'destroyed') then
      return old;
    end if;
  end if;
  raise exception 'What a DEK is recognised by never changes' using errcode = 'RK002';
end
$$;
