-- What rekey.register_target does with the table locked: fence, label and counts, and all of the registration where the table is small.
create or replace function rekey.put_fence_up(target_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  target rekey.targets;
begin
  select * into strict target from rekey.targets t where t.name = target_name and t.retired_at = 'infinity';
  execute format('alter table %s alter column %I set storage external', target.table_name, target.ciphertext_column);
  perform rekey.install_label(target_name);
  perform rekey.install_fence(target_name);
  perform rekey.install_counting(target_name);
  if rekey.is_looked_through_locked(target.table_name::regclass) then
    perform rekey.finish_registration(target_name);
  else
    raise notice 'Table % is fenced, and known to nobody yet: select rekey.finish_registration(%)', target.table_name,
      quote_literal(target_name);
  end if;
end
$$;
