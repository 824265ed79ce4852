-- Refuses (RK003) where a record of these tables stands under a DEK.
create or replace function rekey.refuse_sealed(target_name text, target_tables regclass[], key_column name) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  there regclass;
  is_sealed boolean;
begin
  for there in
    select a.attrelid from pg_attribute a
    where a.attrelid = any (target_tables) and a.attname = key_column and not a.attisdropped
  loop
    execute format('select exists (select from %s where %I is not null)', there, key_column) into is_sealed;
    if is_sealed then
      raise exception 'Target % still holds sealed records', target_name using errcode = 'RK003';
    end if;
  end loop;
end
$$;
