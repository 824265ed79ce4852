-- Puts a table under the fence and makes it known to rotations. What it needs is said by rekey.check_target, which
-- changes nothing; what is missing is said here all at once. "fillfactor" below 100 is advised so that updates find room
-- on their page.
--
-- The table is locked for the moment that its triggers and a constraint take which nothing has been compared with yet. A
-- small one is registered with that. Of a larger one everything from then on is fenced and counted by its triggers, and
-- what was there before is looked through by rekey.finish_registration, without a lock that anybody notices. Until then
-- its row says that it was retired "for ever": nobody who looks for targets, of whatever version, finds it.
create or replace function rekey.register_target(
  target_name text,
  target_item_type text,
  target_table regclass,
  id_column name default 'id',
  tenant_column name default 'tenant_id',
  key_column name default 'key_number',
  ciphertext_column name default 'ciphertext'
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- Names are compared as text, and literals read, whatever the session of a person has.
set quote_all_identifiers = off
set standard_conforming_strings = on
-- Where it would hide rows it is to say so.
set row_security = off
as $register$
declare
  trouble record;
  errors text[] := '{}';
  -- raise_exception, or insufficient_privilege
  state text := 'P0001';
  unfinished rekey.targets;
  earlier text;
begin
  -- What was committed before the lock has to be seen after it.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'A table is registered by a transaction in READ COMMITTED' using errcode = 'feature_not_supported';
  end if;
  for trouble in select * from rekey.check_target(
      target_name, target_item_type, target_table, id_column, tenant_column, key_column, ciphertext_column) loop
    if trouble.severity = 'error' then
      errors := errors || format('%s (%s)', trouble.problem, trouble.code);
      if trouble.code = 'NOT_THE_OWNER' then
        state := '42501';
      end if;
    else
      raise warning '%', trouble.problem;
    end if;
  end loop;
  if errors <> '{}' then
    raise exception 'Table % cannot be registered as %:%', target_table, target_name,
        (select string_agg(format(E'\n%s. %s', e.n, e.text), '') from unnest(errors) with ordinality e(text, n))
      using errcode = state, hint = 'select * from rekey.check_target(…) says the same and changes nothing.';
  end if;

  select * into unfinished from rekey.targets t where t.name = target_name and t.retired_at = 'infinity' for update;
  if not found then
    -- A target of this name that was unregistered goes on under another one, with all that rotations did to it.
    if exists (select from rekey.targets t where t.name = target_name) then
      earlier := target_name || '~' || (select count(*) + 1 from rekey.targets t where t.name like target_name || '~%');
      perform set_config('rekey.renaming', earlier, true);
      update rekey.targets t set name = earlier where t.name = target_name;
      perform set_config('rekey.renaming', '', true);
    end if;
    insert into rekey.targets
      (name, item_type, table_name, id_column, id_type, tenant_column, key_column, ciphertext_column, table_oid,
        database_id, retired_at)
      select target_name, target_item_type, format('%I.%I', n.nspname, c.relname), id_column,
        format_type(a.atttypid, null), tenant_column, key_column, ciphertext_column, c.oid, rekey.database_id(), 'infinity'
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attname = id_column
      where c.oid = target_table;
  elsif (unfinished.table_oid, unfinished.item_type, unfinished.id_column, unfinished.tenant_column,
      unfinished.key_column, unfinished.ciphertext_column) is distinct from
      (target_table::oid, target_item_type, id_column, tenant_column, key_column, ciphertext_column) then
    raise exception 'The registration of % as % has begun and is not finished', unfinished.table_name, target_name
      using hint = 'Register it with the same arguments, or take it back: rekey.unregister_target.';
  end if;

  perform rekey.lock_briefly(array[target_table], 'access exclusive', format('select rekey.put_fence_up(%L)', target_name));
end
$register$;
