-- Takes the fence down and leaves the table and its records as they are. Refused while records stand under DEKs:
-- nothing would count them any more. A table that is gone is passed over by this; one that was renamed or replaced under
-- its name is looked for by both. A registration that is not finished is taken back, whatever the table holds.
create or replace function rekey.unregister_target(target_name text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- Where it would hide rows it is to say so.
set row_security = off
as $$
declare
  target rekey.targets;
  there regclass;
  left_over boolean := false;
  is_unfinished boolean;
  kind text;
begin
  select * into strict target from rekey.targets t
    where t.name = target_name and coalesce(t.retired_at, 'infinity') = 'infinity';
  is_unfinished := target.retired_at is not null;
  for there in
    select c.oid::regclass from pg_class c
    where c.relkind = 'r' and c.oid in (target.table_oid, to_regclass(target.table_name))
    order by 1
  loop
    if is_unfinished then
      perform rekey.lock_briefly(there);
    else
      execute format('lock table %s in share row exclusive mode', there);
    end if;
    if not is_unfinished and exists (select from pg_attribute a
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
