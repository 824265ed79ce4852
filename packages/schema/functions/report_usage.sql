-- What a worker or vault says of itself with its heartbeat: which DEKs it has opened since its last report, by ages in
-- milliseconds (of the first opening in its life, and of the last), which KEKs it has proved by a round trip, and its
-- latencies. told_all: nothing that it has opened is left to be told. Only the role that a process began under speaks for it.
create or replace function rekey.report_usage(
  process uuid, process_kind text, process_host text, process_version text, ends boolean, told_all boolean,
  opened uuid[], since_ms bigint[], last_ms bigint[], proved_keks text[], proved_ms bigint[], process_latencies jsonb
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  entries_max constant integer := 1000;
  keks_max constant integer := 64;
  latencies_max constant integer := 1000;
  of_one_role_max constant integer := 10000;
  age_max constant bigint := 10 * 365 * 86400 * 1000::bigint;
  reported_at timestamptz := clock_timestamp();
begin
  if num_nulls(process, process_kind, process_host, process_version, ends, told_all, opened, since_ms, last_ms, proved_keks,
      proved_ms, process_latencies) > 0
    or cardinality(opened) > entries_max or cardinality(opened) <> cardinality(since_ms)
    or cardinality(opened) <> cardinality(last_ms) or cardinality(proved_keks) > keks_max
    or cardinality(proved_keks) <> cardinality(proved_ms) or length(process_latencies::text) > latencies_max
    or jsonb_typeof(process_latencies) <> 'object' then
    raise exception 'A report names at most % DEKs and % KEKs, each with its ages', entries_max, keks_max
      using errcode = 'RK002';
  end if;
  update rekey.processes p set heartbeat_at = reported_at, latencies = process_latencies,
      told_at = case when told_all then reported_at else p.told_at end,
      ended_at = case when ends then reported_at end
    where p.id = process and p.kind = process_kind and p.database_role = session_user;
  if not found then
    -- Whoever has a right to this function could fill the table.
    if (select count(*) from rekey.processes p where p.database_role = session_user) >= of_one_role_max then
      raise exception 'The role % has % processes already', session_user, of_one_role_max using errcode = 'RK002';
    end if;
    insert into rekey.processes (id, kind, database_role, host, version, heartbeat_at, told_at, ended_at, latencies)
      values (process, process_kind, session_user, process_host, process_version, reported_at,
        case when told_all then reported_at end, case when ends then reported_at end, process_latencies)
      on conflict do nothing;
    if not found then
      raise exception 'The process % is another one''s', process using errcode = 'RK002';
    end if;
  end if;
  if process_kind = 'vault' then
    perform rekey.keep_latencies(process, process_latencies);
  end if;
  -- A clock that steps back makes nothing of this older.
  insert into rekey.process_deks as o (process_id, dek_id, opened_since, last_opened_at)
    select process, u.dek, reported_at - least(greatest(max(u.since), 0), age_max) * interval '1 millisecond',
      reported_at - least(greatest(min(u.last), 0), age_max) * interval '1 millisecond'
    from unnest(opened, since_ms, last_ms) u(dek, since, last)
    where exists (select from rekey.deks d where d.id = u.dek)
    group by u.dek order by u.dek
    on conflict (process_id, dek_id) do update set last_opened_at = greatest(o.last_opened_at, excluded.last_opened_at),
      opened_since = least(o.opened_since, excluded.opened_since);
  insert into rekey.process_keks as k (process_id, kek_id, proved_at)
    select process, u.kek, reported_at - least(greatest(min(u.age), 0), age_max) * interval '1 millisecond'
    from unnest(proved_keks, proved_ms) u(kek, age) group by u.kek order by u.kek
    on conflict (process_id, kek_id) do update set proved_at = greatest(k.proved_at, excluded.proved_at);
end
$$;
revoke execute on function rekey.report_usage(
  uuid, text, text, text, boolean, boolean, uuid[], bigint[], bigint[], text[], bigint[], jsonb) from public;
