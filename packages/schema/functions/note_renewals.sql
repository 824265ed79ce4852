-- Tells of wrappings that are overdue by the policy of their tenant, or that tries do not renew, each once: an event, and a row for
-- whoever calls this. For whoever holds rekey.take_renewal_round.
create or replace function rekey.note_renewals(at_most integer)
returns table (tenant_id uuid, dek_id uuid, level text, since timestamptz, policy_version text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  one record;
begin
  for one in
    update rekey.policy_renewals p set told = p.level
    where p.tenant_id in (select s.tenant_id from rekey.policy_renewals s
      where s.level in ('overdue', 'orphaned') and s.told is distinct from s.level order by s.overdue_at limit at_most)
    returning p.*
  loop
    perform set_config('rekey.actor', rekey.policy_actor(one.policy_version)::text, true);
    perform rekey.append_event(one.tenant_id, 'policy.rewrap_' || one.level, null, jsonb_build_object(
      'keyId', one.dek_id, 'policyVersion', one.policy_version, 'wrappedAt', one.wrapped_at, 'overdueAt', one.overdue_at,
      'tries', one.tries));
    return query select one.tenant_id, one.dek_id, one.level, one.overdue_at, one.policy_version;
  end loop;
end
$$;
revoke execute on function rekey.note_renewals(integer) from public;
