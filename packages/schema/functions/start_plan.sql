-- Begins a plan, with the tenant's records counted at this moment. What is answered beside `started`: `replayed` and `mismatch`
-- by the idempotency key, `tenant_not_found`, and `in_progress` with the tenant's unfinished plan.
create or replace function rekey.start_plan(
  plan uuid, tenant uuid, looks text, actor jsonb, range_items integer, no_items jsonb, caller_identity text, key text, hash bytea
) returns table (outcome text, plan_id uuid)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  earlier rekey.plans;
  counted jsonb;
  by_type jsonb;
begin
  -- The calls of a tenant take turns.
  if not rekey.lock_tenant(tenant) then
    return query select 'tenant_not_found', null::uuid;
    return;
  end if;
  if key is not null then
    select * into earlier from rekey.plans p
      where p.caller = caller_identity and p.idempotency_key = key and p.started_at > clock_timestamp() - interval '24 hours'
      order by p.started_at desc limit 1;
    if found then
      return query select case when earlier.body_hash = hash then 'replayed' else 'mismatch' end, earlier.id;
      return;
    end if;
  end if;
  select * into earlier from rekey.plans p where p.tenant_id = tenant and p.status = 'in_progress';
  if found then
    return query select 'in_progress', earlier.id;
    return;
  end if;
  select coalesce(jsonb_agg(jsonb_build_object('name', c.name, 'itemType', c.item_type, 'records', c.records,
      'ranges', greatest(1, ceil(c.records::numeric / range_items))) order by c.name), '[]'),
    no_items || coalesce(jsonb_object_agg(c.item_type, c.of_type), '{}')
    into counted, by_type
    from (
      select t.name, t.item_type, greatest(0, k.records) as records,
        greatest(0, sum(k.records) over (partition by t.item_type)) as of_type
      from rekey.targets t cross join lateral rekey.kept_count(tenant, t.name) k
      where t.retired_at is null) c;
  insert into rekey.plans (id, tenant_id, check_kind, seed, initiated_by, items, targets, caller, idempotency_key, body_hash)
    values (plan, tenant, looks, floor((random() - 0.5) * 9007199254740992)::bigint, actor, by_type, counted,
      caller_identity, key, hash);
  return query select 'started', plan;
end
$$;
revoke execute on function rekey.start_plan(uuid, uuid, text, jsonb, integer, jsonb, text, text, bytea) from public;
