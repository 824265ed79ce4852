-- Begins a campaign, with its tenants as they are at this moment. What is answered beside `started`: `replayed` and `mismatch`
-- by the idempotency key, `kek_not_found`, `tenant_not_found` with up to twenty ids that are none, and `lacking` (not every live
-- process has proved the KEK of a rewrap).
create or replace function rekey.start_campaign(
  campaign uuid, does text, selects jsonb, ids uuid[], under_kek text, sorted text, canary_count integer, at_once integer,
  per_hour integer, failures integer, calls_max integer, why text, actor jsonb, caller_identity text, key text, hash bytea
) returns table (outcome text, campaign_id uuid, unknown uuid[])
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  earlier rekey.campaigns;
  goal rekey.keks;
  source text;
  missing uuid[];
begin
  -- Calls take turns, and wait for nothing else: whoever starts tenants locks a row of another table. By a row: an advisory lock
  -- anybody may hold who may connect.
  perform from rekey.installation i for no key update;
  if key is not null then
    select * into earlier from rekey.campaigns c
      where c.caller = caller_identity and c.idempotency_key = key and c.started_at > clock_timestamp() - interval '24 hours'
      order by c.started_at desc limit 1;
    if found then
      return query select case when earlier.body_hash = hash then 'replayed' else 'mismatch' end, earlier.id, null::uuid[];
      return;
    end if;
  end if;
  if does = 'rewrap' then
    select * into goal from rekey.keks k where k.name = under_kek for share;
    if not found then
      return query select 'kek_not_found', null::uuid, null::uuid[];
      return;
    end if;
    if exists (select from rekey.lacking_kek(goal.kek_id)) then
      return query select 'lacking', null::uuid, null::uuid[];
      return;
    end if;
  end if;
  if selects ? 'onKek' then
    select k.kek_id into source from rekey.keks k where k.name = selects ->> 'onKek';
    if not found then
      return query select 'kek_not_found', null::uuid, null::uuid[];
      return;
    end if;
  end if;
  select array_agg(i.id) into missing from (
    select u.id from unnest(ids) u (id) where not exists (select from rekey.tenants t where t.id = u.id) limit 20) i;
  if missing is not null then
    return query select 'tenant_not_found', null::uuid, missing;
    return;
  end if;
  perform rekey.say_who_and_why(actor, why);
  with chosen as materialized (
      select c.tenant_id, c.items, c.turn from rekey.campaign_choice(does, selects, ids, source, sorted) c),
    begun as (
      insert into rekey.campaigns (id, action, selector, kek_name, kek_id, ordering, canaries, at_once_max, per_hour_max,
          failures_max, calls_per_second_max, tenants, reason, initiated_by, caller, idempotency_key, body_hash)
        select campaign, does, selects, goal.name, goal.kek_id, sorted, canary_count, at_once, per_hour, failures,
          case when does = 'rewrap' then calls_max end, (select count(*) from chosen), why, actor, caller_identity, key, hash)
    insert into rekey.campaign_members (campaign_id, position, tenant_id, items)
      select campaign, m.turn, m.tenant_id, m.items from chosen m;
  return query select 'started', campaign, null::uuid[];
end
$$;
revoke execute on function rekey.start_campaign(
  uuid, text, jsonb, uuid[], text, text, integer, integer, integer, integer, integer, text, jsonb, text, text, bytea)
  from public;
