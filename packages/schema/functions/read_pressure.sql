-- What the server tells of how it bears the load, in one row of JSON (docs/adr/0058). It runs with the owner's rights: where the
-- owner is no member of pg_monitor, the parts that take that are null, and never zero. Positions in the WAL are in bytes.
create or replace function rekey.read_pressure() returns jsonb
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  with me as (
    select pg_has_role(current_user, 'pg_read_all_stats', 'usage') as may,
      case when pg_is_in_recovery() then null else pg_current_wal_lsn() end as lsn,
      pg_size_bytes(current_setting('wal_segment_size')) as segment_bytes
  ), archived as (
    select a.*, case when a.last_archived_wal ~ '^[0-9A-F]{24}' then
      ('x' || substr(a.last_archived_wal, 9, 8))::bit(32)::bigint * 4294967296
        + (('x' || substr(a.last_archived_wal, 17, 8))::bit(32)::bigint + 1) * (select segment_bytes from me) end as upto
    from pg_stat_archiver a
  )
  select jsonb_build_object(
    'wal', (lsn - '0/0')::bigint,
    'archiver', (select jsonb_build_object(
        'isFailing', a.last_failed_time > coalesce(a.last_archived_time, '-infinity')
          and a.last_failed_time > clock_timestamp() - interval '5 minutes',
        'lastFailed', a.last_failed_wal,
        'behindBytes', (lsn - '0/0')::bigint - a.upto)
      from archived a where current_setting('archive_mode') <> 'off'),
    'standbys', case when may then coalesce((
      select jsonb_agg(jsonb_build_object('name', w.application_name, 'pid', w.pid,
        'received', (greatest(w.write_lsn, w.flush_lsn) - '0/0')::bigint, 'replayed', (w.replay_lsn - '0/0')::bigint,
        'slot', s.slot_name))
      from pg_stat_replication w left join pg_replication_slots s on s.active_pid = w.pid
      where w.state in ('streaming', 'catchup')), '[]') end,
    'slots', coalesce((
      select jsonb_agg(jsonb_build_object('name', s.slot_name, 'isActive', s.active,
        'keepsBytes', (lsn - coalesce(s.confirmed_flush_lsn, s.restart_lsn))::bigint, 'isLost', s.wal_status = 'lost'))
      from pg_replication_slots s where not s.temporary and s.restart_lsn is not null), '[]'),
    'activeSessions', case when may then rekey.active_sessions() end,
    'workers', (select count(*) from rekey.processes p
      where p.kind = 'worker' and rekey.process_state(p.heartbeat_at, p.ended_at) = 'live'),
    'tables', (
      select coalesce(jsonb_agg(jsonb_build_object('name', t.name, 'live', pg_stat_get_live_tuples(c.oid),
        'dead', pg_stat_get_dead_tuples(c.oid))), '[]')
      from rekey.targets t join pg_class c on c.oid = to_regclass(t.table_name)
      where t.retired_at is null))
  from me
$$;
revoke execute on function rekey.read_pressure() from public;
