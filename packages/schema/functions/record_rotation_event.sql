-- The events of a rotation, when its transaction commits, and what becomes of the summary by them (rekey.keep_summary): appended, so that
-- rotations that end at the same time do not meet.
create or replace function rekey.record_rotation_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    perform rekey.append_event(new.tenant_id, 'rotation.requested', new.id, jsonb_build_object(
      'previousKeyId', new.previous_dek_id, 'newKeyId', new.new_dek_id, 'itemsToRotate', new.items_to_rotate)
      || jsonb_strip_nulls(jsonb_build_object('retryOf', new.retry_of,
        'compromise', nullif(new.compromise, false), 'kek', new.kek_id, 'reason', nullif(current_setting('rekey.reason', true), ''))));
    return null;
  end if;
  if old.switched_at is null and new.switched_at is not null then
    perform rekey.append_event(new.tenant_id, 'rotation.switched', new.id,
      jsonb_build_object('previousKeyId', new.previous_dek_id, 'newKeyId', new.new_dek_id));
  end if;
  if old.drained_at is null and new.drained_at is not null then
    perform rekey.append_event(new.tenant_id, 'rotation.drained', new.id, '{}');
  end if;
  if old.status <> new.status then
    -- One that runs again was resumed.
    perform rekey.append_event(new.tenant_id, 'rotation.' || case new.status when 'in_progress' then 'resumed'
      else new.status end, new.id, jsonb_strip_nulls(jsonb_build_object(
      'from', old.status, 'supersededBy', new.superseded_by, 'reason', nullif(current_setting('rekey.reason', true), ''), 'failureReason', new.failure_reason,
      'itemsRotated', new.progress -> 'rotated', 'itemsFailed', new.progress -> 'failed')));
    if new.completed_at is not null then
      insert into rekey.summary_deltas values (new.status, '-infinity', 1);
    end if;
    if new.status in ('failed', 'completed_with_failures') then
      insert into rekey.rotation_needs values (new.id, new.tenant_id, new.status, new.started_at, new.completed_at)
        on conflict do nothing;
    elsif new.status = 'completed' then
      delete from rekey.rotation_needs n where n.tenant_id = new.tenant_id and n.started_at < new.started_at;
    end if;
  end if;
  return null;
end
$$;
