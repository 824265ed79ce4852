-- The call as one statement, whose plans each connection keeps: planning it cost as much as a third of a call, and behind
-- a pooler the API cannot prepare statements by name.
--
-- Its new DEK is wrapped under the KEK named, else under the tenant's own (rekey.choose_kek), else under the installation's.
--
-- The tenant's unfinished rotation: the one asked for, with the identity of its new DEK; or, by its id, another one that
-- stands in the way. No row: there is no such tenant. Each statement in here sees what was
-- committed before it began. One because of a compromised key stands in nobody's way: rekey.supersede_rotation first.
create or replace function rekey.begin_rotation(
  rotation uuid, tenant uuid, next uuid, initiator jsonb, no_items jsonb, compromised boolean, kek text
) returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
-- The plans are made when there may be no rotation yet, and statistics know nothing of thousands called for at once: left
-- to itself, Postgres read all that ever were at each call, for the last twenty of them.
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
begin
  perform set_config('rekey.actor', ('{"kind": "user"}' || initiator)::text, true);
  -- The tenant's row orders concurrent calls, so that each sees what the one before it committed.
  perform from rekey.tenants t where t.id = tenant for no key update;
  if not found then
    return;
  end if;

  loop
    -- Nothing is sealed under a DEK that is reserved just now, so all of the tenant's records count.
    return query
      with counted as materialized (
        select t.item_type,
          sum(coalesce((select c.records from rekey.record_counts c
              where c.tenant_id = tenant and c.target = t.name), 0)
            + coalesce((select sum(d.delta) from rekey.record_deltas d
              where d.tenant_id = tenant and d.target = t.name), 0)) as records
        from rekey.targets t where t.retired_at is null group by t.item_type),
      inserted as (
        insert into rekey.rotations
          (id, tenant_id, previous_dek_id, new_dek_id, items_to_rotate, initiated_by, estimated_completion, compromise, kek_id)
        select rotation, tenant, (select d.id from rekey.deks d where d.tenant_id = tenant and d.state = 'active'), next,
          no_items || (select coalesce(jsonb_object_agg(c.item_type, c.records), '{}') from counted c), initiator,
          now() + make_interval(secs => rekey.seconds_expected((select coalesce(sum(c.records), 0) from counted c))),
          compromised,
          coalesce(kek, (select c.active_kek_id from rekey.kek_choices c where c.tenant_id = tenant))
        on conflict (tenant_id) where status in ('in_progress', 'paused') do nothing returning *),
      reserved as (
        insert into rekey.deks (id, tenant_id, key_number, state)
        select next, tenant, (select coalesce(max(d.key_number), 0) + 1 from rekey.deks d where d.tenant_id = tenant),
          'pre_active'
        from inserted)
      select * from inserted;
    if found then
      return;
    end if;
    return query
      select r.* from rekey.rotations r where r.tenant_id = tenant and r.status in ('in_progress', 'paused');
    if found then
      return;
    end if;
    -- It finished between the two statements: the place is free now.
  end loop;
end
$$;
