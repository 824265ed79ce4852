-- Closes a rotation until then, or with null opens it, for whoever found that of these windows. No row: they are others by now, or
-- it has ended.
create or replace function rekey.keep_hours(rotation uuid, of_windows jsonb, opens_at timestamptz)
returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from rekey.rotations r
    where r.id = rotation and r.status in ('in_progress', 'paused') and r.windows = of_windows and not r.compromise
      and r.window_opens_at is distinct from opens_at for update;
  if not found then
    return;
  end if;
  perform rekey.shut_rotation(rotation, opens_at);
  return query select * from rekey.rotations r where r.id = rotation;
end
$$;
revoke execute on function rekey.keep_hours(uuid, jsonb, timestamptz) from public;
