-- Other windows of a rotation, or that they closed or opened, when its transaction commits.
create or replace function rekey.record_hours_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Those that a policy gave it stand there.
  if old.windows is distinct from new.windows and old.policy_version is not distinct from new.policy_version then
    perform rekey.append_event(new.tenant_id, 'rotation.windows_changed', new.id,
      jsonb_build_object('from', old.windows, 'to', new.windows)
        || jsonb_strip_nulls(jsonb_build_object('reason', nullif(current_setting('rekey.reason', true), ''))));
  end if;
  if new.window_opens_at is not null and old.window_opens_at is null then
    perform rekey.append_event(new.tenant_id, 'rotation.window_closed', new.id,
      jsonb_build_object('opensAt', new.window_opens_at));
  elsif new.window_opens_at is null and old.window_opens_at is not null and new.status in ('in_progress', 'paused') then
    perform rekey.append_event(new.tenant_id, 'rotation.window_opened', new.id, '{}');
  end if;
  return null;
end
$$;
