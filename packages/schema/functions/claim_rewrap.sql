-- A running rewrap that no worker has given a sign of life for within silent_ms, for a worker that holds these KEKs: one that
-- has what it is to be under, and what some of the DEKs are under that are left, or the template that it was made from. No row: there is none.
create or replace function rekey.claim_rewrap(claimed_by uuid, held text[], silent_ms integer)
returns table (id uuid, tenant_id uuid, kek_id text, calls_per_second_max integer)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    with free as (
      select r.id from rekey.rewraps r
      where r.status = 'in_progress' and (r.kek_id = any (held) or exists (select from rekey.tenant_keks k
            where k.kek_id = r.kek_id and 'template:' || k.template = any (held)))
        and (r.owner is null or r.owner = claimed_by
          or r.heartbeat_at < clock_timestamp() - make_interval(secs => silent_ms / 1000.0)
          or r.heartbeat_at > clock_timestamp() + interval '10 seconds')
        and (exists (select from rekey.deks_outside(r.kek_id, r.tenant_id, r.id) o
            where o.kek_id = any (held) or exists (select from rekey.tenant_keks k
              where k.kek_id = o.kek_id and 'template:' || k.template = any (held)))
          or not exists (select from rekey.deks_outside(r.kek_id, r.tenant_id, r.id)))
      order by r.started_at limit 1 for update skip locked)
    update rekey.rewraps r set owner = claimed_by, heartbeat_at = clock_timestamp()
    from free where r.id = free.id
    returning r.id, r.tenant_id, r.kek_id, r.calls_per_second_max;
end
$$;
revoke execute on function rekey.claim_rewrap(uuid, text[], integer) from public;
