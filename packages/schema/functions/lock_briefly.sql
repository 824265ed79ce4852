-- Locks a table against everybody, for what is left of a transaction that had better end at once. Whoever comes while this
-- waits would have to wait behind it, so it waits for a twentieth of a second only, then lets everybody pass and tries
-- again, for ten minutes or as long as the setting rekey.lock_patience says: a long transaction of the application holds up
-- this, and this holds up nobody. A transaction that has locked something before cannot let anybody pass, nor will whoever
-- waits for it ever let go of the table: then it gives up at once.
create or replace function rekey.lock_briefly(target_table regclass) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  give_up_at timestamptz := clock_timestamp()
    + coalesce(nullif(current_setting('rekey.lock_patience', true), ''), '10 minutes')::interval;
  in_the_way text;
begin
  loop
    begin
      -- Readers and writers pass by this one, and a vacuum gives way to it after a second (deadlock_timeout).
      perform set_config('lock_timeout', '3s', true);
      execute format('lock table %s in share update exclusive mode', target_table);
      perform set_config('lock_timeout', '50ms', true);
      execute format('lock table %s in access exclusive mode', target_table);
      return;
    exception when lock_not_available or deadlock_detected then
      null;
    end;
    if exists (select from pg_locks w where not w.granted and w.locktype = 'relation'
        and pg_backend_pid() = any (pg_blocking_pids(w.pid))) then
      raise exception 'Others wait for what this transaction has locked, while it waits for table %; nothing was changed',
        target_table using errcode = 'lock_not_available', hint = 'Call it in a transaction of its own.';
    end if;
    if clock_timestamp() > give_up_at then
      select string_agg(distinct l.pid::text, ', ') into in_the_way
        from pg_locks l where l.relation = target_table and l.granted and l.pid <> pg_backend_pid()
          and l.database = (select d.oid from pg_database d where d.datname = current_database());
      raise exception 'Table % could not be locked for a moment; nothing was changed', target_table
        using errcode = 'lock_not_available',
          detail = format('Transactions of these processes hold it: %s.', coalesce(in_the_way, 'others by now')),
          hint = 'Run it again when they have ended (pg_stat_activity).';
    end if;
    perform pg_sleep(0.3 + 0.7 * random());
  end loop;
end
$$;
