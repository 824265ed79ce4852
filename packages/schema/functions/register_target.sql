-- Puts a table under the fence and makes it known to rotations. What it needs is said by rekey.check_target, which
-- changes nothing; what is missing is said here all at once. "fillfactor" below 100 is advised so that updates find room
-- on their page.
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
-- Where it would hide rows it is to say so.
set row_security = off
as $register$
declare
  found record;
  errors text[] := '{}';
  -- raise_exception, or insufficient_privilege
  state text := 'P0001';
  earlier text;
begin
  for found in select * from rekey.check_target(
      target_name, target_item_type, target_table, id_column, tenant_column, key_column, ciphertext_column) loop
    if found.severity = 'error' then
      errors := errors || format('%s (%s)', found.problem, found.code);
      if found.code = 'NOT_THE_OWNER' then
        state := '42501';
      end if;
    else
      raise warning '%', found.problem;
    end if;
  end loop;
  if errors <> '{}' then
    raise exception 'Table % cannot be registered as %:%', target_table, target_name,
        (select string_agg(format(E'\n%s. %s', e.n, e.text), '') from unnest(errors) with ordinality e(text, n))
      using errcode = state, hint = 'select * from rekey.check_target(…) says the same and changes nothing.';
  end if;

  -- A target of this name that was unregistered goes on under another one, with all that rotations did to it.
  if exists (select from rekey.targets t where t.name = target_name) then
    earlier := target_name || '~' || (select count(*) + 1 from rekey.targets t where t.name like target_name || '~%');
    perform set_config('rekey.renaming', earlier, true);
    update rekey.targets t set name = earlier where t.name = target_name;
    perform set_config('rekey.renaming', '', true);
  end if;

  execute format('alter table %s alter column %I set storage external', target_table, ciphertext_column);
  insert into rekey.targets
    (name, item_type, table_name, id_column, id_type, tenant_column, key_column, ciphertext_column, table_oid, database_id)
    select target_name, target_item_type, format('%I.%I', n.nspname, c.relname), id_column,
      format_type(a.atttypid, null), tenant_column, key_column, ciphertext_column, c.oid, rekey.database_id()
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
      join pg_attribute a on a.attrelid = c.oid and a.attname = id_column
    where c.oid = target_table;
  perform rekey.install_label(target_name);
  perform rekey.install_fence(target_name);
  perform rekey.install_counting(target_name);
  perform rekey.install_proof(target_name);
  perform rekey.recount_records(target_name);
  -- Of a target that comes into running rotations all that was counted just now is their beginning.
  update rekey.rotations r set churn_at_switch = r.churn_at_switch - target_name
    where r.status in ('in_progress', 'paused') and r.churn_at_switch ? target_name;
  perform rekey.remember_functions(array['fence_' || target_name, 'count_' || target_name, 'prove_' || target_name]);
  perform rekey.renew_rights();
end
$register$;
