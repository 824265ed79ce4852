-- What a finished rotation has set aside never changes.
create or replace function rekey.guard_failure() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- A retired target goes on under another name: rekey.register_target.
  if tg_op = 'UPDATE' and new.target <> old.target and current_setting('rekey.renaming', true) = new.target
    -- A digest of its id is generated after this.
    and to_jsonb(new) - 'target' - 'record_hash' = to_jsonb(old) - 'target' - 'record_hash' then
    return new;
  end if;
  if tg_op <> 'TRUNCATE' and exists (select from rekey.rotations r
    where r.id = case tg_op when 'DELETE' then old.rotation_id else new.rotation_id end
      and r.status in ('in_progress', 'paused')) then
    return case tg_op when 'DELETE' then old else new end;
  end if;
  raise exception 'What a finished rotation has set aside never changes' using errcode = 'RK005';
end
$$;
