-- Declares a registered KEK compromised: whatever is or was under it is rewrapped under another one and then replaced. What is
-- answered beside `started`: `running` and `other_target` (one of that KEK is under way), `kek_not_found`, `target_not_found`,
-- `same_kek`, and `lacking`: not every live process has proved the other KEK, or no worker has (rekey.lacking_kek).
create or replace function rekey.start_kek_compromise(
  compromise uuid, kek text, goal text, calls_max integer, why text, actor jsonb
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
  if exists (select from rekey.lacking_kek(target.kek_id)) or not exists (
      select from rekey.kek_holders() h where h.kek_id = target.kek_id and h.kind = 'worker') then
    return query select 'lacking', null::uuid;
    return;
  end if;
  perform rekey.say_who_and_why(actor, why);
  insert into rekey.kek_compromises (id, kek_name, kek_id, target_name, target_kek_id, calls_per_second_max, reason, initiated_by)
    values (compromise, known.name, known.kek_id, target.name, target.kek_id, calls_max, why, actor)
    returning * into begun;
  perform rekey.find_compromised(begun);
  perform rekey.rewrap_compromised(begun);
  return query select 'started', compromise;
end
$$;
revoke execute on function rekey.start_kek_compromise(uuid, text, text, integer, text, jsonb) from public;
