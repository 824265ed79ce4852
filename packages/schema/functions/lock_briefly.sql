-- Locks tables, and does with them locked what the statement and_do says, for a transaction that had better end at once. Whoever
-- comes while this waits would have to wait behind it, so it waits for a twentieth of a second only, for the tables as for whatever
-- and_do meets that others hold, a row of ours or anything else; then it lets go of everything, lets everybody pass and tries
-- again, for ten minutes or as long as the setting rekey.lock_patience says: a long transaction of the application holds up
-- this, and this holds up nobody. A transaction that has locked something before cannot let anybody pass, nor will whoever
-- waits for it ever let go of the tables: then it gives up at once. What the caller does afterwards it does with the tables locked
-- and with its own lock_timeout.
create or replace function rekey.lock_briefly(target_tables regclass[], mode text, and_do text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  give_up_at constant timestamptz := clock_timestamp()
    + coalesce(nullif(current_setting('rekey.lock_patience', true), ''), '10 minutes')::interval;
  lock_timeout_before constant text := current_setting('lock_timeout');
  names constant text := coalesce(nullif(array_to_string(target_tables, ', '), ''), '(gone)');
  waited_for text;
  in_the_way text;
begin
  loop
    begin
      if target_tables <> '{}' then
        -- Readers and writers pass by this one, and a vacuum gives way to it after a second (deadlock_timeout).
        perform set_config('lock_timeout', '3s', true);
        execute format('lock table %s in share update exclusive mode', names);
        perform set_config('lock_timeout', '50ms', true);
        execute format('lock table %s in %s mode', names, mode);
      end if;
      perform set_config('lock_timeout', '50ms', true);
      execute and_do;
      perform set_config('lock_timeout', lock_timeout_before, true);
      return;
    exception when lock_not_available or deadlock_detected then
      get stacked diagnostics waited_for = pg_exception_context;
    end;
    if exists (select from pg_locks w where not w.granted and w.locktype = 'relation'
        and pg_backend_pid() = any (pg_blocking_pids(w.pid))) then
      raise exception 'Others wait for what this transaction has locked, while it waits for table %; nothing was changed',
        names using errcode = 'lock_not_available', hint = 'Call it in a transaction of its own.';
    end if;
    if clock_timestamp() > give_up_at then
      select string_agg(distinct l.pid::text, ', ') into in_the_way
        from pg_locks l where l.relation = any (target_tables) and l.granted and l.pid <> pg_backend_pid()
          and l.database = (select d.oid from pg_database d where d.datname = current_database());
      raise exception 'Table % could not be locked for a moment; nothing was changed', names
        using errcode = 'lock_not_available',
          -- As Postgres tells of a row: while updating tuple (0,1) in relation "record_counts"
          detail = case when waited_for like 'while %' then format('The last time it was locked out %s.', split_part(waited_for, E'\n', 1))
            else format('Transactions of these processes hold it: %s.', coalesce(in_the_way, 'others by now')) end,
          hint = 'Run it again when they have ended (pg_stat_activity).';
    end if;
    perform pg_sleep(0.3 + 0.7 * random());
  end loop;
end
$$;
