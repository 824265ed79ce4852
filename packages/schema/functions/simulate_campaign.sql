-- What a campaign that began now would have before it, read only: {"outcome"} as rekey.start_campaign answers (with `started`
-- where it would begin), {"unknown"} ids that are no tenant's; and then {"members": [[tenant, items, work in its way or null,
-- DEKs to be rewrapped, when it is overdue or null, by the clock in ms]], "compromise": whether that would keep it from starting
-- anybody, "facts": rekey.plan_facts, "nowMs"}. Members stand in the order of their turns.
create or replace function rekey.simulate_campaign(does text, selects jsonb, ids uuid[], under_kek text, sorted text)
returns jsonb
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan
set jit = off
as $$
declare
  goal text;
  source text;
  missing uuid[];
begin
  if does = 'rewrap' then
    select k.kek_id into goal from rekey.keks k where k.name = under_kek;
    if not found then
      return '{"outcome": "kek_not_found"}';
    end if;
    if exists (select from rekey.lacking_kek(goal)) then
      return '{"outcome": "lacking"}';
    end if;
  end if;
  if selects ? 'onKek' then
    select k.kek_id into source from rekey.keks k where k.name = selects ->> 'onKek';
    if not found then
      return '{"outcome": "kek_not_found"}';
    end if;
  end if;
  select array_agg(i.id) into missing from (
    select u.id from unnest(ids) u (id) where not exists (select from rekey.tenants t where t.id = u.id) limit 20) i;
  if missing is not null then
    return jsonb_build_object('outcome', 'tenant_not_found', 'unknown', to_jsonb(missing));
  end if;
  return (
    with chosen as materialized (
      select * from rekey.campaign_choice(does, selects, ids, source, sorted)
    ), standing as materialized (
      select s.tenant_id, s.overdue_at from rekey.policy_standing(null) s where does = 'rotate'
    ), outside as materialized (
      select d.tenant_id, count(*) as deks from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
      where does = 'rewrap' and m.kek_id <> goal and d.state <> 'destroyed' group by 1
    ), busy as materialized (
      select r.tenant_id, r.id from rekey.rotations r where does = 'rotate' and r.status in ('in_progress', 'paused')
      union all
      select w.tenant_id, w.id from rekey.rewraps w
      where does = 'rewrap' and w.status in ('in_progress', 'paused') and w.policy_version is null
    )
    select jsonb_build_object('outcome', 'started', 'nowMs', floor(extract(epoch from clock_timestamp()) * 1000),
      'compromise', does = 'rotate' and exists (
        select from rekey.rotations r where r.status = 'in_progress' and r.compromise),
      'facts', rekey.plan_facts(null),
      'members', coalesce(jsonb_agg(jsonb_build_array(c.tenant_id, c.items,
          coalesce(b.id, e.id), coalesce(o.deks, 0), floor(extract(epoch from s.overdue_at) * 1000))
        order by c.turn), '[]'))
    from chosen c
      left join standing s on s.tenant_id = c.tenant_id
      left join outside o on o.tenant_id = c.tenant_id
      left join busy b on b.tenant_id = c.tenant_id
      -- A rewrap of all tenants is in everybody's way.
      left join (select a.id from busy a where a.tenant_id is null limit 1) e on true);
end
$$;
revoke execute on function rekey.simulate_campaign(text, jsonb, uuid[], text, text) from public;
