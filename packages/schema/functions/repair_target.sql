-- Puts right what rekey.integrity_problems says of a target, where that can be done without a decision: the table that
-- bears its name now takes the place of the one that was registered; constraint, fence and triggers are put around it; its
-- records are counted anew. What unfinished rotations have proved of it is swept and proved again, since records may have
-- been written past the fence meanwhile.
create or replace function rekey.repair_target(target_name text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  target rekey.targets;
  found record;
  errors text := '';
  kind text;
begin
  select * into strict target from rekey.targets t where t.name = target_name and t.retired_at is null for update;
  execute format('lock table %s in access exclusive mode', target.table_name);
  for found in select * from rekey.check_target(target_name, target.item_type, target.table_name::regclass,
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
  execute format('alter table %s validate constraint %I', target.table_name, 'rekey_label_' || target_name);
  -- Anew, whatever they look like.
  foreach kind in array array['identity', 'fence_insert', 'fence_update', 'count_insert', 'count_delete', 'count_update',
      'count_truncate'] loop
    execute format('drop trigger if exists %I on %s', 'rekey_' || kind || '_' || target_name, target.table_name);
  end loop;
  perform rekey.install_fence(target_name);
  perform rekey.install_counting(target_name);
  perform rekey.install_proof(target_name);
  perform rekey.remember_functions(array['fence_' || target_name, 'count_' || target_name, 'prove_' || target_name]);
  perform rekey.recount_records(target_name);
  -- Rights on a table go with it.
  perform rekey.renew_rights();
  perform set_config('rekey.sweeping_again', target_name, true);
  update rekey.rotation_ranges g
    set proved_at = null, proof_id = null, seen = null, owner = null, cursor_id = null, pass = g.pass + 1, swept = false
    from rekey.rotations r
    where r.id = g.rotation_id and r.status in ('in_progress', 'paused') and g.target = target_name;
  perform set_config('rekey.sweeping_again', '', true);
end
$$;
revoke execute on function rekey.repair_target(text) from public;
