-- Begins a rewrap of one tenant's DEKs, or with null of all, to the KEK of that name. What is answered beside `started`:
-- `replayed` and `mismatch` by the idempotency key, `tenant_not_found`, `kek_not_found`, `in_progress` with the rewrap that is
-- in the way, and `lacking`: not every live process has proved that KEK, or no worker has (rekey.lacking_kek), or it was declared
-- compromised. Force passes over that, but for one that is just being emptied.
create or replace function rekey.start_rewrap(
  rewrap uuid, tenant uuid, kek text, calls_max integer, force boolean, why text, actor jsonb,
  caller_identity text, key text, hash bytea
) returns table (outcome text, rewrap_id uuid)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  known rekey.keks;
  earlier rekey.rewraps;
  renewal record;
begin
  -- Calls take turns, and wait for nothing but the moment in which a worker writes down what it did.
  lock table rekey.rewraps in share row exclusive mode;
  if key is not null then
    select * into earlier from rekey.rewraps r
      where r.caller = caller_identity and r.idempotency_key = key and r.started_at > clock_timestamp() - interval '24 hours'
      order by r.started_at desc limit 1;
    if found then
      return query select case when earlier.body_hash = hash then 'replayed' else 'mismatch' end, earlier.id;
      return;
    end if;
  end if;
  if tenant is not null and not exists (select from rekey.tenants t where t.id = tenant) then
    return query select 'tenant_not_found', null::uuid;
    return;
  end if;
  select * into known from rekey.keks k where k.name = kek for share;
  if not found then
    return query select 'kek_not_found', null::uuid;
    return;
  end if;
  select * into earlier from rekey.rewraps r
    where r.status in ('in_progress', 'paused') and r.policy_version is null and (tenant is null or r.tenant_id is null or r.tenant_id = tenant)
    order by r.started_at limit 1;
  if found then
    return query select 'in_progress', earlier.id;
    return;
  end if;
  if exists (select from rekey.kek_compromises c
      where c.kek_id = known.kek_id and (c.status = 'in_progress' or not force)) then
    return query select 'lacking', null::uuid;
    return;
  end if;
  if not force and (exists (select from rekey.lacking_kek(known.kek_id)) or not exists (
      select from rekey.kek_holders() h where h.kek_id = known.kek_id and h.kind = 'worker')) then
    return query select 'lacking', null::uuid;
    return;
  end if;
  -- What policies began makes way; what it has rewrapped stays so.
  for renewal in select r.id from rekey.rewraps r
      where r.status in ('in_progress', 'paused') and r.policy_version is not null and (tenant is null or r.tenant_id = tenant) loop
    perform rekey.steer_rewrap(renewal.id, 'cancelled', why, actor);
  end loop;
  perform rekey.say_who_and_why(actor, why);
  insert into rekey.rewraps (id, tenant_id, kek_name, kek_id, calls_per_second_max, forced, reason, initiated_by,
      deks_at_start, deks, caller, idempotency_key, body_hash)
    select rewrap, tenant, known.name, known.kek_id, calls_max, force, why, actor, n.deks, n.deks, caller_identity, key, hash
    from (select count(*) as deks from rekey.deks_outside(known.kek_id, tenant, rewrap)) n;
  return query select 'started', rewrap;
end
$$;
revoke execute on function rekey.start_rewrap(
  uuid, uuid, text, integer, boolean, text, jsonb, text, text, bytea) from public;
