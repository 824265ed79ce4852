-- The unfinished plan that has waited for longest and that no worker has given a sign of life for within silent_ms; one that met trouble is left alone
-- for five seconds. No row: there is none.
create or replace function rekey.claim_plan(claimed_by uuid, silent_ms integer)
returns table (id uuid, tenant_id uuid, check_kind text, seed bigint, items jsonb, progress jsonb)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    with free as (
      select p.id from rekey.plans p
      where p.status = 'in_progress'
        and (p.owner is null or p.owner = claimed_by
          or p.heartbeat_at < clock_timestamp() - make_interval(secs => silent_ms / 1000.0)
          or p.heartbeat_at > clock_timestamp() + interval '10 seconds')
        and (p.waiting_for is null or p.heartbeat_at not between clock_timestamp() - interval '5 seconds'
          and clock_timestamp() + interval '10 seconds')
      order by p.heartbeat_at limit 1 for update skip locked)
    update rekey.plans p set owner = claimed_by, heartbeat_at = clock_timestamp()
    from free where p.id = free.id
    returning p.id, p.tenant_id, p.check_kind, p.seed, p.items, p.progress;
end
$$;
revoke execute on function rekey.claim_plan(uuid, integer) from public;
