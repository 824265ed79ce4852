-- Gives an unfinished rotation other windows, which are closed until then (null: they are open); with null none. 'changed',
-- 'unchanged', 'finished', 'not_found', 'not_held_back': it is because of a compromised key; or 'not_permitted': it has some, and
-- they are changed by whoever may act on all tenants.
create or replace function rekey.change_hours(
  rotation uuid, new_windows jsonb, opens_at timestamptz, may_lift boolean, reason text, actor jsonb
) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  found_row rekey.rotations;
begin
  perform rekey.say_who_and_why(actor, reason);
  select * into found_row from rekey.rotations r where r.id = rotation for update;
  if not found then
    return 'not_found';
  end if;
  if found_row.status not in ('in_progress', 'paused') then
    return 'finished';
  end if;
  if found_row.compromise then
    return 'not_held_back';
  end if;
  if found_row.windows is not distinct from new_windows then
    return 'unchanged';
  end if;
  if found_row.windows is not null and not may_lift then
    return 'not_permitted';
  end if;
  update rekey.rotations r set windows = new_windows where r.id = rotation;
  perform rekey.shut_rotation(rotation, opens_at);
  return 'changed';
end
$$;
revoke execute on function rekey.change_hours(uuid, jsonb, timestamptz, boolean, text, jsonb) from public;
