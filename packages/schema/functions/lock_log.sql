-- Makes the caller the one that writes the log, until its transaction ends: the size of the log. Null: somebody else is.
create or replace function rekey.lock_log() returns bigint
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$ select s.size from rekey.log_size s for update skip locked $$;
revoke execute on function rekey.lock_log() from public;
