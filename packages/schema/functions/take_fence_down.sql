-- What rekey.unregister_target does with the tables of a target locked: looks at their records or counts once more, takes down
-- everything that stood around them, and ends what rotations have to do there.
create or replace function rekey.take_fence_down(target_name text, target_tables regclass[], look text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  target rekey.targets;
  there regclass;
  kind text;
begin
  select * into strict target from rekey.targets t
    where t.name = target_name and coalesce(t.retired_at, 'infinity') = 'infinity';
  if look = 'records' then
    perform rekey.refuse_sealed(target_name, target_tables, target.key_column);
  elsif look = 'counts' and exists (
      select from (
        select c.tenant_id, c.records from rekey.record_counts c where c.target = target_name
        union all select d.tenant_id, d.delta from rekey.record_deltas d where d.target = target_name) counted
      group by counted.tenant_id having sum(counted.records) <> 0) then
    raise exception 'Target % still holds sealed records', target_name using errcode = 'RK003';
  end if;
  foreach there in array target_tables loop
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
  if target.retired_at is not null then
    -- Its registration was not finished.
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
