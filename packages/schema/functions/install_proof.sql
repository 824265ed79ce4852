-- Makes the proof of a registered table's ranges, or makes it anew: one function per target, whose statements each session
-- plans once. It is the only way in which a range becomes proved by being counted, and takes nothing of what it counts by
-- from its caller: the tenant, the bounds and the new DEK are those that stand in the rotation and its range.
--
-- The function that it makes counts what stands in a range on any DEK but the new one, in a statement that also sees that
-- no older one can be written under any more. What is left is what was set aside and still is as it was: the range is proved
-- then, and no other failure kept. After the drain the set on older keys only shrinks, ids do not change and the ranges
-- cover everything, so what was once counted zero stays zero: neither a lock nor one snapshot over all ranges is needed.
-- For the same reason a range that has grown is counted in steps of step_items records, a call for each, and how far it
-- has come is kept.
--
-- 'proved'; 'further': a part of it is, for good; 'left', with how many records that nobody accounts for; 'draining':
-- nothing can be proved yet; 'lost': the lease is another's, there is none, or the rotation does not run.
create or replace function rekey.install_proof(target_name text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $install$
declare
  target rekey.targets;
  -- Of a slice of ids. A statement for each, in a form that has one plan whatever the planner believes: a scan of the
  -- index on (tenant, id) from the lower to the upper bound (packages/data/src/range-bounds.ts).
  lower_bounds text[];
  upper_bounds text[];
  conditions text[] := array['after_id is null and up_to is null', 'after_id is null', 'up_to is null', 'true'];
  bounds text;
  counting text := '';
  stepping text := '';
  healing text := '';
begin
  select * into strict target from rekey.targets t
    where t.name = target_name and coalesce(t.retired_at, 'infinity') = 'infinity';
  lower_bounds := array[format('t.%I >= rotates.tenant_id', target.tenant_column),
    format('(t.%I, t.%I) > (rotates.tenant_id, after_id)', target.tenant_column, target.id_column)];
  upper_bounds := array[format('t.%I <= rotates.tenant_id', target.tenant_column),
    format('(t.%I, t.%I) <= (rotates.tenant_id, up_to)', target.tenant_column, target.id_column)];
  for n in 1..4 loop
    bounds := lower_bounds[case when n in (1, 2) then 1 else 2 end] || ' and '
      || upper_bounds[case when n in (1, 3) then 1 else 2 end];
    -- Whether it was set aside is asked of each record for itself and by the digest of its id alone: left to the planner, a
    -- join of tables that nobody has analysed yet took a square of the time.
    counting := counting || format($sql$
        %1$s %2$s then
          select count(*), count(older), count(*) filter (where unaccounted), not exists (
              select from rekey.dek_locks l where l.tenant_id = rotates.tenant_id and l.closed_at is null
                and l.key_number <> rotates.key_number)
            into looked_at, counted, left_over, drained
            from (select t.%3$I <> rotates.key_number as older,
                case when t.%3$I <> rotates.key_number then (
                  select true from rekey.rotation_failures f
                  where f.record_hash = rekey.record_hash(t.%4$I::text) and (f.rotation_id = rotation) is true
                    and (f.target = %5$L) is true limit 1) is null end as unaccounted
              from %6$s t where %7$s order by t.%8$I, t.%4$I limit items_max) r;$sql$,
      case n when 1 then 'if' else 'elsif' end, conditions[n], target.key_column, target.id_column, target.name,
      target.table_name, bounds, target.tenant_column);
    stepping := stepping || format($sql$
        %1$s %2$s then
          select t.%3$I into edge from %4$s t where %5$s order by t.%6$I, t.%3$I offset step_items - 1 limit 1;$sql$,
      case n when 1 then 'if' else 'elsif' end, conditions[n], target.id_column, target.table_name, bounds,
      target.tenant_column);
    healing := healing || format($sql$
        %1$s %2$s then
          update rekey.rotation_failures f set ordinal = range_ordinal
          where f.rotation_id = rotation and f.target = %3$L and f.ordinal is null and exists (
            select from %4$s t where t.%5$I = case when f.target = %3$L then f.record_id end::%6$s
              and t.%7$I <> rotates.key_number and %8$s);$sql$,
      case n when 1 then 'if' else 'elsif' end, conditions[n], target.name, target.table_name, target.id_column,
      target.id_type, target.key_column, bounds);
  end loop;

  execute format($sql$
    create or replace function rekey.%1$I(rotation uuid, range_ordinal integer, lease uuid, step_items integer)
    returns table (outcome text, items bigint)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan
    as $proof$
    -- Whatever the columns of the table are called.
    #variable_conflict use_variable
    declare
      range rekey.rotation_ranges;
      rotates record;
      after_id %2$s;
      up_to %2$s;
      edge %2$s;
      items_max bigint := step_items;
      looked_at bigint;
      counted bigint;
      left_over bigint;
      drained boolean;
    begin
      select g.* into range from rekey.rotation_ranges g
        where g.rotation_id = rotation and g.target = %3$L and g.ordinal = range_ordinal and g.owner = lease
          and g.proved_at is null;
      if not found then
        return query select 'lost', null::bigint;
        return;
      end if;
      select r.tenant_id, d.key_number, r.status = 'in_progress' as runs into rotates
        from rekey.rotations r join rekey.deks d on d.id = r.new_dek_id
        where r.id = rotation and r.switched_at is not null;
      if found and not rotates.runs then
        return query select 'lost', null::bigint;
        return;
      end if;
      if not found then
        return query select 'draining', null::bigint;
        return;
      end if;
      after_id := coalesce(range.proof_id, range.lower_id)::%2$s;
      up_to := range.upper_id::%2$s;

      if range.proof_id is null then
        %4$s
        end if;
      end if;
      if range.proof_id is not null or looked_at >= step_items then
        %5$s
        end if;
        -- All of the step, or of what is left, whatever came or went meanwhile.
        up_to := coalesce(edge, up_to);
        items_max := null;
        %4$s
        end if;
      end if;
      if not drained then
        return query select 'draining', null::bigint;
        return;
      end if;
      if left_over > 0 then
        return query select 'left', left_over;
        return;
      end if;
      if edge is not null then
        update rekey.rotation_ranges g
          set proof_id = edge::text, seen = case when g.proof_id is null then 0 else coalesce(g.seen, 0) end + counted,
            heartbeat_at = clock_timestamp()
          where g.rotation_id = rotation and g.target = %3$L and g.ordinal = range_ordinal and g.owner = lease;
        return query select case when found then 'further' else 'lost' end, null::bigint;
        return;
      end if;

      -- Every step is proved: what was set aside and still stands is counted, and the range marked.
      if exists (select from rekey.rotation_failures f
        where f.rotation_id = rotation and f.target = %3$L and (f.ordinal = range_ordinal or f.ordinal is null)) then
        perform from rekey.rotation_ranges g
          where g.rotation_id = rotation and g.target = %3$L and g.ordinal = range_ordinal and g.owner = lease for update;
        if not found then
          return query select 'lost', null::bigint;
          return;
        end if;
        -- What was overwritten or deleted since it was set aside is no failure any more. The cast must not meet the ids of
        -- another target, which may be of another type.
        delete from rekey.rotation_failures f
          where f.rotation_id = rotation and f.target = %3$L and (f.ordinal = range_ordinal or f.ordinal is null)
            and (select true from %6$s t
              where t.%7$I = case when f.target = %3$L then f.record_id end::%2$s
                and (t.%8$I = rotates.tenant_id) is true and t.%9$I <> rotates.key_number limit 1) is null;
        -- What an earlier version set aside without its range is taken for one of this range where it stands in it.
        after_id := range.lower_id::%2$s;
        up_to := range.upper_id::%2$s;
        %10$s
        end if;
      end if;
      perform set_config('rekey.proving', rotation::text, true);
      update rekey.rotation_ranges g
        set failed = (select count(*) from rekey.rotation_failures f
            where f.rotation_id = rotation and f.target = %3$L and f.ordinal = range_ordinal),
          seen = case when g.proof_id is null then 0 else coalesce(g.seen, 0) end + counted,
          proved_at = clock_timestamp(), owner = null, waiting_for = null
        where g.rotation_id = rotation and g.target = %3$L and g.ordinal = range_ordinal and g.owner = lease
          and g.proof_id is not distinct from range.proof_id;
      outcome := case when found then 'proved' else 'lost' end;
      perform set_config('rekey.proving', '', true);
      return next;
    end
    $proof$
    $sql$, 'prove_' || target.name, target.id_type, target.name, counting, stepping, target.table_name,
    target.id_column, target.tenant_column, target.key_column, healing);
  execute format('revoke execute on function rekey.%I(uuid, integer, uuid, integer) from public',
    'prove_' || target.name);
end
$install$;
