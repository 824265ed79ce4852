-- A sign of life of a process that is in the register, and nothing else: what it has used it tells by rekey.report_usage. False:
-- it is not there. Only the role that a process began under speaks for it.
create or replace function rekey.beat_process(process uuid) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update rekey.processes p set beat_at = clock_timestamp() where p.id = process and p.database_role = session_user;
  return found;
end
$$;
revoke execute on function rekey.beat_process(uuid) from public;
