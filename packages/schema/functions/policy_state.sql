-- The policy of a tenant, or with null the default: what was put, what holds by it, what would hold for a tenant that says nothing,
-- within which bounds; the durations that stand in this
-- installation's settings, which protect keys whatever a policy says; and how the tenant's active DEK stands by it (null: nothing
-- says when it is to be rotated), and the wrapping of its DEKs (null: nothing says when they are to be rewrapped). Null: there is no such tenant.
create or replace function rekey.policy_state(tenant uuid) returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'version', coalesce(own.version, 0), 'putAtMs', floor(extract(epoch from own.put_at) * 1000),
    'policy', coalesce(own.policy, '{}'), 'defaultVersion', coalesce(standard.version, 0),
    'effective', rekey.merge_policies(coalesce(standard.policy, '{}'), case when tenant is not null then own.policy end),
    'protection', jsonb_build_object('destructionGraceSeconds', rekey.setting('destruction_grace_seconds'),
      'destructionUnusedSeconds', rekey.setting('destruction_unused_seconds'),
      'backupHorizonSeconds', rekey.setting('backup_horizon_seconds'),
      'destructionApprovals', rekey.setting('destruction_approvals')),
    'byDefault', rekey.merge_policies(coalesce(standard.policy, '{}'), null),
    'bounds', coalesce(nullif(standard.policy -> 'bounds', 'null'), '{}'),
    'standing', case when tenant is not null then (
      select jsonb_build_object('level', s.level, 'dueAtMs', floor(extract(epoch from s.due_at) * 1000),
        'overdueAtMs', floor(extract(epoch from s.overdue_at) * 1000), 'tries', s.tries,
        'triedAtMs', floor(extract(epoch from s.tried_at) * 1000))
      from rekey.policy_standing(tenant) s) end,
    'wrapping', case when tenant is not null then (
      select jsonb_build_object('level', w.level, 'wrappedAtMs', floor(extract(epoch from w.wrapped_at) * 1000),
        'dueAtMs', floor(extract(epoch from w.due_at) * 1000), 'overdueAtMs', floor(extract(epoch from w.overdue_at) * 1000),
        'tries', w.tries, 'triedAtMs', floor(extract(epoch from w.tried_at) * 1000))
      from rekey.renewal_standing(tenant) w) end)
  from (select) one
    left join rekey.latest_policy(tenant) own on true
    left join rekey.latest_policy(null) standard on true
  where tenant is null or exists (select from rekey.tenants t where t.id = tenant)
$$;
revoke execute on function rekey.policy_state(uuid) from public;
