-- Sets how many records per second an unfinished rotation may re-encrypt, over all workers; null: as many as they can.
-- 'changed', 'unchanged', 'finished', 'not_found', 'not_held_back': it is because of a compromised key; or 'too_fast': it would be raised or lifted by somebody who may not.
create or replace function rekey.limit_rotation(
  rotation uuid, items_per_second integer, may_raise boolean, reason text, actor jsonb
) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  found_row rekey.rotations;
begin
  perform rekey.say_who_and_why(actor, reason);
  -- Whether it is raised is asked of the limit that is replaced, not of one that somebody read before.
  select * into found_row from rekey.rotations r where r.id = rotation for no key update;
  if not found then
    return 'not_found';
  end if;
  if found_row.status not in ('in_progress', 'paused') then
    return 'finished';
  end if;
  if found_row.compromise then
    return 'not_held_back';
  end if;
  if found_row.items_per_second_max is not distinct from items_per_second then
    return 'unchanged';
  end if;
  if not may_raise and found_row.items_per_second_max is not null
    and (items_per_second is null or items_per_second > found_row.items_per_second_max) then
    return 'too_fast';
  end if;
  update rekey.rotations r set items_per_second_max = items_per_second, version = r.version + 1 where r.id = rotation;
  return 'changed';
end
$$;
