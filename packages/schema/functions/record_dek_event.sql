-- What becomes of a DEK, when its transaction commits: made (pre_active), and every state after that.
create or replace function rekey.record_dek_event() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform rekey.append_event(new.tenant_id, 'key.' || new.state,
    (select r.id from rekey.rotations r where r.new_dek_id = new.id and r.retry_of is null),
    jsonb_build_object('keyId', new.id, 'keyNumber', new.key_number,
      'from', case tg_op when 'UPDATE' then old.state end));
  return null;
end
$$;
