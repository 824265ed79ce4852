-- Begins rotations of tenants whose time has come and whose windows are among those that are open, those first that have waited
-- longest: as many as the default policy lets run at once, less those that run. Those that stand still for something that others
-- have nothing to do with take no place. Of large ones, by small_items, at most half of the places, so that small ones pass. After a
-- try that ended before its switch ten minutes, doubling to a day. Under a KEK for which one of them stands still, because its KMS
-- refuses it, nobody else is begun. For whoever holds rekey.take_policy_round.
create or replace function rekey.begin_due(open_windows jsonb, small_items bigint, no_items jsonb)
returns table (rotation_id uuid, tenant_id uuid, policy_version text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  at_once integer := coalesce((select (p.policy ->> 'rotationsAtOnce')::integer from rekey.latest_policy(null) p), 4);
  running bigint;
  large bigint;
  candidate record;
  kek text;
  begun uuid;
  suspended text[];
  -- KEKs that were looked at in this call: not every live process has proved them, or each has.
  lacking text[] := '{}';
  held text[] := '{}';
begin
  select count(*), count(*) filter (where (
      select sum(i.value::bigint) from jsonb_each_text(r.items_to_rotate) i) > small_items) into running, large
    from rekey.rotations r
    where r.status = 'in_progress' and r.policy_version is not null
      and coalesce(r.waiting_for, '') not in ('window', 'kek_suspended', 'integrity', 'internal');
  if running >= at_once then
    return;
  end if;
  -- Of the KEK that it opens its older DEK by and the one that wraps its new DEK, that which its worker was refused.
  select array_agg(k.id) into suspended
    from rekey.rotations r
      left join rekey.dek_material m on m.dek_id = r.previous_dek_id
      cross join lateral (values (m.kek_id), (r.kek_id)) k (id)
    where r.status = 'in_progress' and r.policy_version is not null and r.waiting_for = 'kek_suspended'
      and strpos(r.waiting_detail ->> 'what', 'KEK ' || k.id) > 0;
  for candidate in
    select s.*, (select m.kek_id from rekey.dek_material m where m.dek_id = s.dek_id) as kek_id,
      (select c.active_kek_id from rekey.kek_choices c where c.tenant_id = s.tenant_id) as chosen_kek_id,
      coalesce((select sum(c.records) from rekey.record_counts c where c.tenant_id = s.tenant_id), 0) > small_items
        as is_large
    from rekey.policy_standings s
    where s.level <> 'fresh' and (s.due_at <= clock_timestamp() or s.level <> 'orphaned' or s.tries > 0)
      and (jsonb_typeof(s.policy -> 'windows') is distinct from 'array' or open_windows @> jsonb_build_array(s.policy -> 'windows'))
      and (s.tries = 0 or s.tried_at + least(interval '10 minutes' * power(2, least(s.tries - 1, 10)), interval '24 hours')
        <= clock_timestamp())
      and not exists (select from rekey.rotations u where u.tenant_id = s.tenant_id and u.status in ('in_progress', 'paused'))
    order by s.due_at nulls first, s.tenant_id
  loop
    exit when running >= at_once;
    continue when candidate.is_large and large >= greatest(at_once / 2, 1);
    kek := null;
    -- A tenant that has brought a KEK of its own stays under it, whatever its policy says.
    if candidate.policy ->> 'kek' is not null and candidate.chosen_kek_id is null then
      select k.kek_id into kek from rekey.keks k where k.name = candidate.policy ->> 'kek';
      -- It stays due, and becomes overdue: somebody is told.
      if kek <> all (lacking || held) then
        if exists (select from rekey.lacking_kek(kek)) then lacking := lacking || kek; else held := held || kek; end if;
      end if;
      continue when kek is null or kek = any (lacking);
    end if;
    continue when candidate.kek_id = any (suspended) or coalesce(kek, candidate.chosen_kek_id) = any (suspended);
    -- Those that begin one take turns by the tenant's row. Of one that somebody has just now the next round is soon enough: all others
    -- would wait with it.
    perform from rekey.tenants t where t.id = candidate.tenant_id for no key update skip locked;
    continue when not found;
    -- Its rotation may have ended since that was written down.
    continue when not exists (select from rekey.deks d where d.id = candidate.dek_id and d.state = 'active');
    begun := gen_random_uuid();
    perform from rekey.begin_rotation(begun, candidate.tenant_id, gen_random_uuid(), jsonb_build_object('kind', 'policy',
      'realm', null, 'id', 'policy-' || candidate.policy_version, 'name', null, 'email', null), no_items, false, kek) b
      where b.id = begun;
    continue when not found;
    update rekey.rotations r set policy_version = candidate.policy_version, windows = nullif(candidate.policy -> 'windows', 'null')
      where r.id = begun;
    -- Each event under the policy that it is of.
    set constraints all immediate;
    set constraints all deferred;
    running := running + 1;
    large := large + candidate.is_large::integer;
    return query select begun, candidate.tenant_id, candidate.policy_version;
  end loop;
end
$$;
revoke execute on function rekey.begin_due(jsonb, bigint, jsonb) from public;
