-- Puts right what rekey.integrity_problems says of a target, where that can be done without a decision: the table that
-- bears its name now takes the place of the one that was registered; constraint, fence and triggers are put around it; its
-- records are counted anew. What unfinished rotations have proved of it is swept and proved again.
--
-- Of a table that is too large to be looked through while it is locked, this is the first half, as in rekey.register_target:
-- everything from then on is fenced and counted, and rekey.finish_registration compares and counts what was there before. Until
-- then its constraint is not validated, which holds up every switch and every end (LABEL).
create or replace function rekey.repair_target(target_name text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- Names are compared as text, and literals read, whatever the session of a person has.
set quote_all_identifiers = off
set standard_conforming_strings = on
set row_security = off
as $$
declare
  -- As in rekey.register_target.
  small_bytes constant bigint := 8 << 20;
  lock_timeout_before constant text := current_setting('lock_timeout');
  -- As in rekey.lock_briefly.
  give_up_at constant timestamptz := clock_timestamp()
    + coalesce(nullif(current_setting('rekey.lock_patience', true), ''), '10 minutes')::interval;
  is_locked boolean;
  is_small boolean;
  target rekey.targets;
  found record;
  errors text := '';
  kind text;
begin
  -- What was committed before the lock has to be seen after it.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'A table is repaired by a transaction in READ COMMITTED' using errcode = 'feature_not_supported';
  end if;
  -- Writers of the table lock this row as well, but for its key only.
  select * into strict target from rekey.targets t where t.name = target_name and t.retired_at is null for no key update;
  -- With the ranges that are changed below: a pause or a batch may hold them, and waiting for one with the table locked would hold up
  -- all who read and write it. So each is tried for a moment, as long as the table is, and let go of together with it.
  loop
    begin
      is_locked := false;
      perform rekey.lock_briefly(target.table_name::regclass);
      is_locked := true;
      perform from rekey.rotation_ranges g
        where g.target = target_name and exists (
          select from rekey.rotations r where r.id = g.rotation_id and r.status in ('in_progress', 'paused'))
        for update;
      exit;
    exception when lock_not_available or deadlock_detected then
      if not is_locked or clock_timestamp() > give_up_at then
        raise;
      end if;
    end;
    perform pg_sleep(0.3 + 0.7 * random());
  end loop;
  is_small := pg_table_size(target.table_name::regclass) <= small_bytes;
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
  perform set_config('lock_timeout', lock_timeout_before, true);
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
  if is_small then
    perform rekey.finish_registration(target_name);
  else
    raise notice 'Table % is fenced, and not looked through yet: select rekey.finish_registration(%)', target.table_name,
      quote_literal(target_name);
  end if;
end
$$;
revoke execute on function rekey.repair_target(text) from public;
