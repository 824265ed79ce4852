-- Takes the fence down and leaves the table and its records as they are. Refused while records stand under DEKs:
-- nothing would count them any more. A table that is gone is passed over by this; one that was renamed or replaced under
-- its name is looked for by both. A large table is looked through before it is locked, and what was written since is seen by its
-- counts; only where those cannot be relied on it is looked through while nobody may write. A registration that is not finished is taken back, whatever the table holds.
create or replace function rekey.unregister_target(target_name text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- Where it would hide rows it is to say so.
set row_security = off
as $$
declare
  -- As in rekey.register_target.
  small_bytes constant bigint := 8 << 20;
  lock_timeout_before constant text := current_setting('lock_timeout');
  target rekey.targets;
  -- What bears the name is what was registered.
  is_same boolean;
  is_small boolean;
  by_counts boolean;
  there regclass;
  left_over boolean := false;
  is_unfinished boolean;
  kind text;
begin
  -- What was committed before the lock has to be seen after it.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'A table is unregistered by a transaction in READ COMMITTED' using errcode = 'feature_not_supported';
  end if;
  select * into strict target from rekey.targets t
    where t.name = target_name and coalesce(t.retired_at, 'infinity') = 'infinity' for no key update;
  is_unfinished := target.retired_at is not null;
  -- Counted right at this moment, and by triggers from then on.
  is_same := coalesce(target.table_oid = to_regclass(target.table_name)::oid, false);
  is_small := coalesce(pg_table_size(target.table_oid) <= small_bytes, true);
  by_counts := not is_unfinished and is_same and not is_small
    and not exists (select from rekey.integrity_problems() p
      where p.target = target_name and p.code in ('TRIGGER', 'COLUMN_CHANGED', 'KIND_OF_TABLE', 'ROW_SECURITY', 'SUBSCRIBED')
        or p.code in ('REPLICA_ROLE', 'FUNCTION'));
  if by_counts then
    execute format('select exists (select from %s where %I is not null)', target.table_name, target.key_column)
      into left_over;
    if left_over then
      raise exception 'Target % still holds sealed records', target_name using errcode = 'RK003';
    end if;
    perform rekey.recount_records(target_name);
  end if;
  for there in
    select c.oid::regclass from pg_class c
    where c.relkind = 'r' and c.oid in (target.table_oid, to_regclass(target.table_name))
    order by 1
  loop
    if is_unfinished or by_counts or (is_same and is_small) then
      perform rekey.lock_briefly(there);
      perform set_config('lock_timeout', lock_timeout_before, true);
    else
      execute format('lock table %s in share row exclusive mode', there);
    end if;
    if by_counts then
      select exists (
        select from (
          select c.tenant_id, c.records from rekey.record_counts c where c.target = target_name
          union all select d.tenant_id, d.delta from rekey.record_deltas d where d.target = target_name) counted
        group by counted.tenant_id having sum(counted.records) <> 0) into left_over;
    elsif not is_unfinished and exists (select from pg_attribute a
        where a.attrelid = there and a.attname = target.key_column and not a.attisdropped) then
      execute format('select exists (select from %s where %I is not null)', there, target.key_column)
        into left_over;
    end if;
    if left_over then
      raise exception 'Target % still holds sealed records', target_name using errcode = 'RK003';
    end if;
    foreach kind in array array['identity', 'fence_insert', 'fence_update', 'count_insert', 'count_delete',
        'count_update', 'count_truncate'] loop
      execute format('drop trigger if exists %I on %s', 'rekey_' || kind || '_' || target_name, there);
    end loop;
    execute format('alter table %s drop constraint if exists %I', there, 'rekey_label_' || target_name);
  end loop;
  execute format('drop function if exists rekey.%I(), rekey.%I(), rekey.%I(uuid, integer, uuid, integer)',
    'fence_' || target_name, 'count_' || target_name, 'prove_' || target_name);
  perform rekey.remember_functions(
    array['fence_' || target_name, 'count_' || target_name, 'prove_' || target_name]);
  delete from rekey.record_deltas d where d.target = target_name;
  delete from rekey.record_counts c where c.target = target_name;
  if is_unfinished then
    delete from rekey.targets t where t.name = target_name;
    return;
  end if;
  -- Rotations under way have nothing more to sweep here: it was counted empty just now, or is gone. What others left
  -- open stays as it is.
  perform rekey.prove_retired(g.rotation_id, target_name)
    from (select distinct g.rotation_id from rekey.rotation_ranges g join rekey.rotations r on r.id = g.rotation_id
      where g.target = target_name and g.proved_at is null and r.status in ('in_progress', 'paused')) g;
  update rekey.targets t set retired_at = now() where t.name = target_name;
end
$$;
