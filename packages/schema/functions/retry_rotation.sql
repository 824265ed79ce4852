-- Begins a new rotation that sweeps what an earlier one left, to the DEK that the earlier one switched to: without a new DEK and
-- without a switch, so it begins as a rotation stands whose worker died behind its switch, and is proved as any other.
--
-- outcome, and of which rotation: 'changed' (the new one, or 'unchanged': a retry of the same one that runs or has left
-- nothing), 'in_progress' (the one that is in the way), 'finished' (the earlier one left nothing), 'superseded' (its DEK is not
-- the tenant's active one, or it never switched), 'not_found'. Each statement in here sees what was committed before it began.
create or replace function rekey.retry_rotation(retry uuid, earlier uuid, initiator jsonb, reason text)
returns table (outcome text, rotation_id uuid)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
-- As rekey.start_rotation.
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
declare
  retried rekey.rotations;
  found_id uuid;
  left_over jsonb;
begin
  perform rekey.say_who_and_why(initiator, reason);
  -- Calls of a tenant take turns, as those that start one do.
  perform from rekey.tenants t where t.id = (select r.tenant_id from rekey.rotations r where r.id = earlier) for no key update;
  loop
    select * into retried from rekey.rotations r where r.id = earlier;
    if not found then
      return query select 'not_found', null::uuid;
      return;
    end if;
    return query
      select case when r.retry_of = earlier then 'unchanged' else 'in_progress' end, r.id from rekey.rotations r
      where r.tenant_id = retried.tenant_id and r.status in ('in_progress', 'paused');
    if found then
      return;
    end if;
    if retried.status = 'completed' then
      return query select 'finished', earlier;
      return;
    end if;
    -- Held, so that nothing is switched before the new row is in the way of it.
    perform from rekey.deks d where d.id = retried.new_dek_id and d.state = 'active' for share;
    if not found or retried.switched_at is null then
      return query select 'superseded', earlier;
      return;
    end if;
    -- Somebody may repeat a call that it has no answer to.
    select r.id into found_id from rekey.rotations r where r.retry_of = earlier and r.status = 'completed' limit 1;
    if found then
      return query select 'unchanged', found_id;
      return;
    end if;
    -- By the last one that swept to this DEK: nothing came under an older one since, but what drained.
    select coalesce(jsonb_object_agg(i.type, coalesce((last.progress -> 'failed' ->> i.type)::bigint, 0)
        + coalesce((last.progress -> 'remaining' ->> i.type)::bigint, (last.items_to_rotate ->> i.type)::bigint, 0)), '{}')
      into left_over
      from (select r.progress, r.items_to_rotate from rekey.rotations r where r.new_dek_id = retried.new_dek_id
          order by r.started_at desc, r.id desc limit 1) last,
        jsonb_object_keys(last.items_to_rotate) i(type);
    insert into rekey.rotations (id, tenant_id, retry_of, previous_dek_id, new_dek_id, items_to_rotate, initiated_by,
        estimated_completion, switched_at, drained_at, churn_at_switch)
      select retry, retried.tenant_id, earlier, retried.previous_dek_id, retried.new_dek_id, left_over, initiator,
        now() + make_interval(secs => rekey.seconds_expected(
          (select sum(i.value::numeric) from jsonb_each_text(left_over) i))),
        retried.switched_at, retried.drained_at,
        -- What its proofs see is held against what comes and goes from here on.
        (select coalesce(jsonb_object_agg(t.name, kept.churn), '{}')
          from rekey.targets t, rekey.kept_count(retried.tenant_id, t.name) kept where t.retired_at is null)
      on conflict (tenant_id) where status in ('in_progress', 'paused') do nothing;
    if found then
      return query select 'changed', retry;
      return;
    end if;
  end loop;
end
$$;
