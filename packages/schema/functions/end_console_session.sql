-- Ends a session, for good.
create or replace function rekey.end_console_session(session bytea) returns void
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
  delete from rekey.console_sessions where id_hash = session
$$;
revoke execute on function rekey.end_console_session(bytea) from public;
