-- The event of another speed limit, when its transaction commits.
create or replace function rekey.record_limit_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.append_event(new.tenant_id, 'rotation.limited', new.id, jsonb_build_object(
    'from', old.items_per_second_max, 'to', new.items_per_second_max)
    || jsonb_strip_nulls(jsonb_build_object('reason', nullif(current_setting('rekey.reason', true), ''))));
  return null;
end
$$;
