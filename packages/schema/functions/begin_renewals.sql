-- Begins rewraps of tenants whose DEKs were wrapped so long ago as their policy says, and whose windows are among those that are
-- open, those first that have waited longest: at most ten at once, each of one tenant, those left out that stand still for a KMS.
-- With the oldest go those that are past half of the interval, so that a tenant is not rewrapped for each DEK.
--
-- One that has stood still for two minutes, or that nobody has taken up for ten, is ended, so that it keeps no worker from others:
-- a try. After a try ten minutes, doubling to a day. Under a KEK of which one stands still, or did within ten minutes, and
-- under one that not every live process has proved, nobody is begun. For whoever holds rekey.take_renewal_round.
create or replace function rekey.begin_renewals(open_windows jsonb)
returns table (rewrap_id uuid, tenant_id uuid, policy_version text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  at_once constant integer := 10;
  running bigint;
  one record;
  work uuid;
  cutoff timestamptz;
  troubled text[];
  lacking text[] := '{}';
  held text[] := '{}';
begin
  -- As whoever begins a rewrap does.
  lock table rekey.rewraps in share row exclusive mode;
  for one in
    select r.id, r.policy_version from rekey.rewraps r
    where r.policy_version is not null and r.status = 'in_progress'
      and (r.waiting_for is not null and r.started_at < clock_timestamp() - interval '2 minutes'
        or r.owner is null and r.started_at < clock_timestamp() - interval '10 minutes')
    order by r.started_at
  loop
    perform set_config('rekey.actor', rekey.policy_actor(one.policy_version)::text, true),
      set_config('rekey.reason', 'it stood still', true);
    -- What it waited for stays, for those that come after it.
    update rekey.rewraps r set status = 'cancelled', owner = null, completed_at = clock_timestamp() where r.id = one.id;
    set constraints all immediate;
    set constraints all deferred;
  end loop;
  select count(*) into running from rekey.rewraps r
    where r.policy_version is not null and r.status = 'in_progress' and r.waiting_for is null;
  select array_agg(distinct k.id) into troubled
    from rekey.rewraps r cross join lateral jsonb_array_elements_text(r.waiting_detail -> 'kekIds') k (id)
    where r.policy_version is not null and jsonb_typeof(r.waiting_detail -> 'kekIds') = 'array'
      and (r.status = 'in_progress' or r.completed_at > clock_timestamp() - interval '10 minutes');
  for one in
    select s.*, s.overdue_at - s.wrapped_at as every,
      coalesce((select 'template:' || k.template from rekey.tenant_keks k where k.kek_id = s.kek_id), s.kek_id) as proved_as
    from rekey.policy_renewals s
    where s.level <> 'fresh' and s.kek_id is not null
      and (jsonb_typeof(s.windows) is distinct from 'array' or open_windows @> jsonb_build_array(s.windows))
      and (s.tries = 0 or s.tried_at + least(interval '10 minutes' * power(2, least(s.tries - 1, 10)), interval '24 hours')
        <= clock_timestamp())
      and not exists (select from rekey.rewraps u where u.status in ('in_progress', 'paused')
        and (u.tenant_id is null or u.tenant_id = s.tenant_id))
    order by s.due_at, s.tenant_id
  loop
    exit when running >= at_once;
    if one.proved_as <> all (lacking || held) then
      if exists (select from rekey.lacking_kek(one.proved_as)) or not exists (
          select from rekey.kek_holders() h where h.kek_id = one.proved_as and h.kind = 'worker') then
        lacking := lacking || one.proved_as;
      else
        held := held || one.proved_as;
      end if;
    end if;
    continue when one.proved_as = any (lacking) or one.kek_id = any (troubled);
    -- It may have been rewrapped since that was written down.
    continue when not exists (select from rekey.dek_material m where m.dek_id = one.dek_id and m.wrapped_at = one.wrapped_at);
    cutoff := clock_timestamp() - one.every / 2;
    continue when exists (select from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
      where d.tenant_id = one.tenant_id and d.state <> 'destroyed' and m.kek_id = any (troubled));
    work := gen_random_uuid();
    perform set_config('rekey.actor', rekey.policy_actor(one.policy_version)::text, true),
      set_config('rekey.reason', 'rewrapEveryDays of its policy has passed', true);
    insert into rekey.rewraps (id, tenant_id, kek_name, kek_id, calls_per_second_max, forced, reason, initiated_by, wrapped_before,
        policy_version, deks_at_start, deks)
      select work, one.tenant_id, one.kek_name, one.kek_id, 100, false, 'rewrapEveryDays of its policy has passed',
        rekey.policy_actor(one.policy_version), cutoff, one.policy_version, n.deks, n.deks
      from (select count(*) as deks from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
        where d.tenant_id = one.tenant_id and d.state <> 'destroyed' and (m.kek_id <> one.kek_id or m.wrapped_at < cutoff)) n;
    -- Each event under the policy that it is of.
    set constraints all immediate;
    set constraints all deferred;
    running := running + 1;
    return query select work, one.tenant_id, one.policy_version;
  end loop;
end
$$;
revoke execute on function rekey.begin_renewals(jsonb) from public;
