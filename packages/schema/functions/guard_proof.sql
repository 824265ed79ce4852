-- A range is proved only by the function that counts it, which knows of the drain: not by a statement of anybody else's,
-- such as a worker of an earlier version.
create or replace function rekey.guard_proof() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('rekey.proving', true) is distinct from new.rotation_id::text then
    raise exception 'A range is proved by rekey.prove_range only' using errcode = 'RK007';
  end if;
  return new;
end
$$;
