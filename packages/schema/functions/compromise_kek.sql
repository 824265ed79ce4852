-- Declares a registered KEK compromised: whatever is or was under it is rewrapped under another one and then replaced. What is
-- answered beside `started`: `replayed` and `mismatch` by the idempotency key, `running` and `other_target` (one of that KEK is
-- under way), `kek_not_found`, `target_not_found`, `same_kek`, and `lacking`: not every live process has proved the other KEK, or no
-- worker has (rekey.lacking_kek), or it was declared compromised itself. Force passes over that, but for one that is being emptied: if
-- each of two KEKs took the other's place, neither would ever be empty.
--
-- Tenants that use that KEK by choice use the other one from now on, else the next DEK of each would come under it again.
create or replace function rekey.compromise_kek(
  compromise uuid, kek text, goal text, calls_max integer, force boolean, why text, actor jsonb,
  caller_identity text, key text, hash bytea
) returns table (outcome text, compromise_id uuid)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  known rekey.keks;
  target rekey.keks;
  earlier rekey.kek_compromises;
  begun rekey.kek_compromises;
begin
  -- Calls take turns, with those that begin a rewrap.
  lock table rekey.rewraps in share row exclusive mode;
  if key is not null then
    select * into earlier from rekey.kek_compromises c
      where c.caller = caller_identity and c.idempotency_key = key and c.started_at > clock_timestamp() - interval '24 hours'
      order by c.started_at desc limit 1;
    if found then
      return query select case when earlier.body_hash = hash then 'replayed' else 'mismatch' end, earlier.id;
      return;
    end if;
  end if;
  select * into known from rekey.keks k where k.name = kek for share;
  if not found then
    return query select 'kek_not_found', null::uuid;
    return;
  end if;
  select * into target from rekey.keks k where k.name = goal for share;
  if not found then
    return query select 'target_not_found', null::uuid;
    return;
  end if;
  if known.kek_id = target.kek_id then
    return query select 'same_kek', null::uuid;
    return;
  end if;
  select * into earlier from rekey.kek_compromises c where c.kek_id = known.kek_id and c.status = 'in_progress';
  if found then
    return query select case when earlier.target_kek_id = target.kek_id then 'running' else 'other_target' end, earlier.id;
    return;
  end if;
  if exists (select from rekey.kek_compromises c
      where c.kek_id = target.kek_id and (c.status = 'in_progress' or not force)) then
    return query select 'lacking', null::uuid;
    return;
  end if;
  if not force and (exists (select from rekey.lacking_kek(target.kek_id)) or not exists (
      select from rekey.kek_holders() h where h.kek_id = target.kek_id and h.kind = 'worker')) then
    return query select 'lacking', null::uuid;
    return;
  end if;
  perform rekey.say_who_and_why(actor, why);
  insert into rekey.kek_compromises (id, kek_name, kek_id, target_name, target_kek_id, calls_per_second_max, forced, reason,
      initiated_by, caller, idempotency_key, body_hash)
    values (compromise, known.name, known.kek_id, target.name, target.kek_id, calls_max, force, why, actor, caller_identity, key, hash)
    returning * into begun;
  update rekey.kek_choices c set id = gen_random_uuid(), tried_at = null, trouble = null,
      kek_name = case when c.kek_name = known.name then target.name else c.kek_name end,
      active_name = case when c.active_kek_id = known.kek_id then target.name else c.active_name end,
      active_kek_id = case when c.active_kek_id = known.kek_id then target.kek_id else c.active_kek_id end
    where c.kek_name = known.name or c.active_kek_id = known.kek_id;
  perform rekey.find_compromised(begun);
  perform rekey.rewrap_compromised(begun);
  return query select 'started', compromise;
end
$$;
revoke execute on function rekey.compromise_kek(
  uuid, text, text, integer, boolean, text, jsonb, text, text, bytea) from public;
