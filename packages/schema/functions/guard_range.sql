-- The ranges of a finished rotation never change, nor does one that is proved, but by rekey.repair_target, which has it
-- swept again. One that is not proved may be deleted: without it nothing is completed.
create or replace function rekey.guard_range() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'TRUNCATE' then
    raise exception 'The ranges of rotations are not truncated' using errcode = 'RK005';
  end if;
  -- A retired target goes on under another name: rekey.register_target.
  if tg_op = 'UPDATE' and new.target <> old.target and current_setting('rekey.renaming', true) = new.target
    and to_jsonb(new) - 'target' = to_jsonb(old) - 'target' then
    return new;
  end if;
  if not exists (select from rekey.rotations r
    where r.id = case tg_op when 'DELETE' then old.rotation_id else new.rotation_id end
      and r.status in ('in_progress', 'paused')) then
    raise exception 'The ranges of a finished rotation never change' using errcode = 'RK005';
  end if;
  if tg_op <> 'INSERT' and old.proved_at is not null
    and current_setting('rekey.sweeping_again', true) is distinct from old.target then
    raise exception 'A range that is proved never changes' using errcode = 'RK005';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end
$$;
