-- Ends a running rotation as failed, or an unfinished one as cancelled (rekey.end_rotation).
create or replace function rekey.close_rotation(
  rotation uuid, final_status text, reason text, final_progress jsonb, ended_at timestamptz, actor jsonb
) returns setof rekey.rotations
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return query select * from rekey.end_rotation(rotation, final_status, reason, final_progress, ended_at, actor, null);
end
$$;
