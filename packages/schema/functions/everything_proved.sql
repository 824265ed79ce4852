-- Whether a rotation may be completed: all of it is proved, and nothing that the proofs rest on is in doubt.
create or replace function rekey.everything_proved(rotation uuid) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return rekey.rotation_proved(rotation) and not exists (select from rekey.completion_problems(rotation));
end
$$;
