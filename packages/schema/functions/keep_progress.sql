-- Keeps what is told of a running rotation, if it still is the version that was read.
create or replace function rekey.keep_progress(rotation uuid, as_of bigint, told jsonb) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.rotations r set progress = told where r.id = rotation and r.version = as_of and r.status = 'in_progress';
end
$$;
