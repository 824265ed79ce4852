-- A policy was put, when its transaction commits: in the chain of its tenant, the default's in that of the installation.
create or replace function rekey.record_policy_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.append_event(new.tenant_id, 'policy.changed', null,
    jsonb_build_object('version', new.version, 'policy', new.policy)
      || jsonb_strip_nulls(jsonb_build_object('reason', nullif(current_setting('rekey.reason', true), ''))));
  return null;
end
$$;
