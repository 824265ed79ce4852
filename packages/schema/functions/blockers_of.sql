-- Whom a session waits for: those transactions, and where they come from. A prepared one has no process and goes by its
-- gid. "began" is null where the owner of this function may not see it (it takes a member of pg_read_all_stats).
create or replace function rekey.blockers_of(waiting_pid integer)
returns table (pid integer, gid text, application_name text, role_name text, began timestamptz)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select a.pid, null::text, a.application_name, a.usename::text, a.xact_start
  from unnest(pg_blocking_pids(waiting_pid)) b(pid) join pg_stat_activity a on a.pid = b.pid
  union
  select null, p.gid, null, p.owner::text, p.prepared
  from pg_locks l join pg_prepared_xacts p on p.transaction = l.transactionid
  where l.pid = waiting_pid and not l.granted and 0 = any (pg_blocking_pids(waiting_pid))
$$;
revoke execute on function rekey.blockers_of(integer) from public;
