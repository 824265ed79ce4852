-- What rekey.repair_target does with the table locked: the table that bears the target's name now takes the place of the one that
-- was registered, and all that belongs around it is made anew; all of the repair where the table is small.
create or replace function rekey.put_fence_anew(target_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  target rekey.targets;
  found record;
  errors text := '';
  kind text;
begin
  select * into strict target from rekey.targets t where t.name = target_name and t.retired_at is null;
  for found in select * from rekey.check_target_shape(target_name, target.item_type, target.table_name::regclass,
      target.id_column, target.tenant_column, target.key_column, target.ciphertext_column)
      where severity = 'error' and code <> 'NAME_TAKEN' loop
    errors := errors || format(E'\n%s (%s)', found.problem, found.code);
  end loop;
  if errors <> '' then
    raise exception 'Table % cannot be repaired:%', target.table_name, errors;
  end if;
  update rekey.targets t set table_oid = target.table_name::regclass, database_id = rekey.database_id()
    where t.name = target_name;
  perform rekey.install_label(target_name);
  -- Anew, whatever they look like.
  foreach kind in array array['identity', 'fence_insert', 'fence_update', 'count_insert', 'count_delete', 'count_update',
      'count_truncate'] loop
    execute format('drop trigger if exists %I on %s', 'rekey_' || kind || '_' || target_name, target.table_name);
  end loop;
  perform rekey.install_fence(target_name);
  perform rekey.install_counting(target_name);
  perform rekey.install_proof(target_name);
  perform rekey.remember_functions(array['fence_' || target_name, 'count_' || target_name, 'prove_' || target_name]);
  -- Rights on a table go with it.
  perform rekey.renew_rights();
  -- At once, and not with the second half only: what validates the constraint may be somebody else's statement.
  perform rekey.sweep_again(target_name);
  if rekey.is_looked_through_locked(target.table_name::regclass) then
    perform rekey.finish_registration(target_name);
  else
    raise notice 'Table % is fenced, and not looked through yet: select rekey.finish_registration(%)', target.table_name,
      quote_literal(target_name);
  end if;
end
$$;
