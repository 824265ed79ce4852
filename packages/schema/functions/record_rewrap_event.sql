-- A rewrap began, was steered or ended, when its transaction commits. In its tenant's chain, or that of the installation.
create or replace function rekey.record_rewrap_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.append_event(new.tenant_id,
    case when tg_op = 'INSERT' then 'rewrap.requested' when new.status = 'in_progress' then 'rewrap.resumed'
      else 'rewrap.' || new.status end, null,
    jsonb_strip_nulls(jsonb_build_object('rewrapId', new.id, 'tenantId', new.tenant_id, 'kek', new.kek_name,
      'kekId', new.kek_id, 'policyVersion', new.policy_version, 'wrappedBefore', new.wrapped_before, 'forced', new.forced, 'keys', new.deks, 'rewrapped', new.rewrapped, 'setAside', new.set_aside,
      'kmsCalls', new.kms_calls, 'fingerprint', encode(new.fingerprint_after, 'hex'),
      'reason', nullif(current_setting('rekey.reason', true), ''))));
  return null;
end
$$;
