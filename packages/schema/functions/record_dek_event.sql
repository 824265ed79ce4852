-- What becomes of a DEK, when its transaction commits: made (pre_active), and every state after that; and what becomes of the
-- summary by it (rekey.keep_summary).
create or replace function rekey.record_dek_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.append_event(new.tenant_id, 'key.' || new.state,
    coalesce(case new.state when 'compromised' then
        (select c.rotation_id from rekey.dek_compromises c where c.dek_id = new.id) end,
      (select r.id from rekey.rotations r where r.new_dek_id = new.id and r.retry_of is null)),
    jsonb_build_object('keyId', new.id, 'keyNumber', new.key_number,
      'from', case tg_op when 'UPDATE' then old.state end)
      || jsonb_strip_nulls(jsonb_build_object('reason',
        case new.state when 'compromised' then nullif(current_setting('rekey.reason', true), '') end)));
  if new.state = 'active' then
    insert into rekey.summary_deltas values ('key', coalesce(date_trunc('hour', new.activated_at, 'UTC'), '-infinity'), 1);
  elsif tg_op = 'UPDATE' and old.state = 'active' then
    insert into rekey.summary_deltas values ('key', coalesce(date_trunc('hour', old.activated_at, 'UTC'), '-infinity'), -1);
  end if;
  return null;
end
$$;
