-- Asks for the destruction of one DEK that has been out of use for as long as its policy says (destroyAfterDays), as
-- rekey.schedule_destruction does: the same conditions, grace period and approvals hold. One that is refused is tried again
-- after six hours: whether records name it is counted each time. One whose destruction somebody cancelled is left alone.
-- No row: there is none to be tried.
create or replace function rekey.schedule_by_policy()
returns table (tenant_id uuid, dek_id uuid, policy_version text, asked boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  candidate record;
  outcome text;
  -- A tenant's own only lengthens it: before that no key is looked at.
  least constant integer := ((select l.policy from rekey.latest_policy(null) l) ->> 'destroyAfterDays')::integer;
begin
  if least is null then
    return;
  end if;
  -- Nobody has declared how long backups are kept, so no key is destroyed.
  if rekey.setting('backup_horizon_seconds') is null then
    return;
  end if;
  with standard as materialized (
    select coalesce(l.version, 0) as version, coalesce(l.policy, '{}') as policy
    from (select) one left join rekey.latest_policy(null) l on true)
  select d.id, d.tenant_id, s.version || '.' || coalesce(o.version, 0) as version,
      exists (select from rekey.events e where e.chain = d.tenant_id and e.kind = 'key.destruction_cancelled'
        and e.payload ->> 'keyId' = d.id::text) as was_cancelled
    into candidate
    from rekey.deks d cross join standard s
      left join lateral (select p.version, p.policy from rekey.policies p
        where p.tenant_id = d.tenant_id order by p.version desc limit 1) o on true
    where d.state in ('deactivated', 'compromised')
      and d.deactivated_at < clock_timestamp() - least * interval '24 hours'
      and d.deactivated_at < clock_timestamp()
        - (rekey.merge_policies(s.policy, o.policy) ->> 'destroyAfterDays')::integer * interval '24 hours'
      and not exists (select from rekey.key_destructions q where q.dek_id = d.id)
      and not exists (select from rekey.policy_destructions t
        where t.dek_id = d.id and (t.asked or t.tried_at > clock_timestamp() - interval '6 hours'))
    order by d.deactivated_at limit 1
    for no key update of d skip locked;
  if not found then
    return;
  end if;
  if candidate.was_cancelled then
    outcome := 'left';
  else
    perform set_config('rekey.actor', jsonb_build_object('kind', 'policy', 'realm', null,
      'id', 'policy-' || candidate.version, 'name', null)::text, true);
    outcome := rekey.schedule_destruction(candidate.id, 'destroyAfterDays of its policy has passed',
      jsonb_build_object('kind', 'policy', 'realm', null, 'id', 'policy-' || candidate.version)) ->> 'kind';
  end if;
  insert into rekey.policy_destructions as t (dek_id, tried_at, asked)
    values (candidate.id, clock_timestamp(), outcome in ('changed', 'left'))
    on conflict on constraint policy_destructions_pkey do update set tried_at = excluded.tried_at, asked = excluded.asked;
  return query select candidate.tenant_id, candidate.id, candidate.version, outcome = 'changed';
end
$$;
revoke execute on function rekey.schedule_by_policy() from public;
