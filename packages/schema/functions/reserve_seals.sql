-- Takes a block of seals under a DEK; the number taken so far in all, this block included. Appended and never updated, so
-- that writers do not meet on one counter row. A block is small enough that none of them alone is the limit.
create or replace function rekey.reserve_seals(dek uuid, seals integer) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  block_max constant integer := 1048576;
  taken bigint;
begin
  if seals is null or seals < 1 or seals > block_max then
    raise exception 'From 1 to % seals are reserved at once', block_max using errcode = 'RK002';
  end if;
  select c.seals into taken from rekey.dek_seal_counts c where c.dek_id = dek;
  if not found then
    raise exception 'There is no DEK %', dek using errcode = 'RK002';
  end if;
  insert into rekey.dek_seals (dek_id, seals) values (dek, seals);
  return taken + seals;
end
$$;
