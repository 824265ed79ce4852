-- The second half of a registration or a repair, of a table that is too large to be looked through while it is locked: compares what
-- was there before with the constraint, counts it, and makes the table known to rotations. Nobody who reads or writes
-- waits for it. All of it or nothing; to be run again after whatever went wrong.
--
-- That the count is right: the table was locked when its triggers came, so whoever had written to it before had committed
-- by then, and whoever wrote since has appended what changed. One statement sees both: what there is, and what was
-- appended; the difference is what was there before (rekey.recount_records).
create or replace function rekey.finish_registration(target_name text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- Names are compared as text, and literals read, whatever the session of a person has.
set quote_all_identifiers = off
set standard_conforming_strings = on
-- Where it would hide rows it is to say so.
set row_security = off
as $$
declare
  lock_timeout_before constant text := current_setting('lock_timeout');
  target rekey.targets;
  errors text;
  triggers oid[];
begin
  select * into target from rekey.targets t where t.name = target_name and t.retired_at = 'infinity' for update;
  if not found then
    select * into target from rekey.targets t where t.name = target_name and t.retired_at is null for no key update;
    if found then
      -- Of a repair (rekey.repair_target), or nothing is left to do.
      if exists (select from pg_constraint c where c.conrelid = target.table_oid
          and c.conname = 'rekey_label_' || target_name and not c.convalidated) then
        perform set_config('lock_timeout', '3s', true);
        execute format('alter table %s validate constraint %I', target.table_name, 'rekey_label_' || target_name);
        perform set_config('lock_timeout', lock_timeout_before, true);
        perform rekey.recount_records(target_name);
        perform rekey.sweep_again(target_name);
      end if;
      return;
    end if;
    raise exception 'No registration of % has begun', target_name using hint = 'Begin it: rekey.register_target.';
  end if;
  if target.table_oid is distinct from to_regclass(target.table_name)::oid then
    raise exception 'Table % is gone, or another one than when its registration began', target.table_name
      using hint = format('select rekey.unregister_target(%L), and begin again.', target_name);
  end if;
  select string_agg(format(E'\n%s (%s)', p.problem, p.code), '') into errors
    from rekey.check_target_shape(target.name, target.item_type, target.table_oid::regclass, target.id_column,
      target.tenant_column, target.key_column, target.ciphertext_column) p where p.severity = 'error';
  if errors is not null then
    raise exception 'Table % cannot be registered as %:%', target.table_name, target_name, errors;
  end if;

  triggers := array(select g.oid from pg_trigger g where g.tgrelid = target.table_oid order by 1);
  -- As a newer version may have it by now.
  perform set_config('lock_timeout', '50ms', true);
  perform rekey.install_fence(target_name);
  perform rekey.install_counting(target_name);
  perform rekey.install_proof(target_name);
  -- Where a trigger was gone, the table is locked now, and counting a large one would take as long as that.
  if not rekey.is_looked_through_locked(target.table_oid::regclass)
      and triggers <> array(select g.oid from pg_trigger g where g.tgrelid = target.table_oid order by 1) then
    raise exception 'Triggers of table % are gone since its registration began', target.table_name
      using hint = 'Call rekey.register_target again, with the same arguments.';
  end if;
  -- Takes a lock that only vacuums and changes of the table have to wait for.
  perform set_config('lock_timeout', '3s', true);
  execute format('alter table %s validate constraint %I', target.table_name, 'rekey_label_' || target_name);
  perform set_config('lock_timeout', lock_timeout_before, true);
  perform rekey.recount_records(target_name);
  update rekey.targets t set retired_at = null where t.name = target_name;
  -- Of a target that comes into running rotations all that was counted just now is their beginning.
  update rekey.rotations r set churn_at_switch = r.churn_at_switch - target_name
    where r.status in ('in_progress', 'paused') and r.churn_at_switch ? target_name;
  perform rekey.remember_functions(array['fence_' || target_name, 'count_' || target_name, 'prove_' || target_name]);
  perform rekey.renew_rights();
end
$$;
revoke execute on function rekey.finish_registration(text) from public;
