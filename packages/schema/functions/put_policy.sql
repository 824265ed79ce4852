-- Puts the policy of a tenant, or with null the default, in place of the version that is expected (0: none). `changed`,
-- `unchanged`: that is what it says already; `mismatch`: another version stands; `tenant_not_found`; or `refused`, with
-- rekey.policy_problems. What it takes to shorten how long keys are kept stands in rekey.change_setting.
create or replace function rekey.put_policy(
  tenant uuid, wanted jsonb, expected integer, reason text, actor jsonb
) returns table (outcome text, problems jsonb)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  standing record;
  found_problems jsonb;
begin
  -- Calls take turns, so that no tenant's is put beside other bounds than it was held against. Whoever reads waits for nothing.
  lock table rekey.policies in share row exclusive mode;
  if tenant is not null and not exists (select from rekey.tenants t where t.id = tenant) then
    return query select 'tenant_not_found', null::jsonb;
    return;
  end if;
  select p.version, p.policy into standing from rekey.latest_policy(tenant) p;
  if coalesce(standing.version, 0) <> expected then
    return query select 'mismatch', null::jsonb;
    return;
  end if;
  if standing.policy = wanted then
    return query select 'unchanged', null::jsonb;
    return;
  end if;
  found_problems := rekey.policy_problems(tenant, wanted);
  -- The default's is what tenants may not go below, so it goes up only, from the latest version that says anything of it: a
  -- version in between that leaves it out is no way down. Whoever owns the schema may insert a version.
  if tenant is null and wanted ->> 'destroyAfterDays' is not null and (
      select coalesce((wanted ->> 'destroyAfterDays')::bigint < (p.policy ->> 'destroyAfterDays')::bigint, true)
      from rekey.policies p where p.tenant_id is null and p.policy ? 'destroyAfterDays' order by p.version desc limit 1) then
    found_problems := found_problems || '[{"field": "destroyAfterDays", "problem": "can only be lengthened"}]';
  end if;
  if found_problems <> '[]' then
    return query select 'refused', found_problems;
    return;
  end if;
  perform rekey.say_who_and_why(actor, reason);
  insert into rekey.policies (tenant_id, version, policy) values (tenant, expected + 1, wanted);
  return query select 'changed', null::jsonb;
end
$$;
revoke execute on function rekey.put_policy(uuid, jsonb, integer, text, jsonb) from public;
