-- What applications reported of their latencies between two moments, of whole buckets only, so that it stays as it is: null
-- where nothing was.
create or replace function rekey.latencies_reported(from_moment timestamptz, to_moment timestamptz) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_object_agg(o.operation, jsonb_build_object('reports', o.reports, 'operations', o.operations,
    'p50Micros', jsonb_build_object('least', o.p50_least, 'most', o.p50_most),
    'p99Micros', jsonb_build_object('least', o.p99_least, 'most', o.p99_most)))
  from (
    select l.operation, sum(l.reports)::bigint as reports, least(sum(l.operations), 9e15)::bigint as operations,
      min(l.p50_least) as p50_least, max(l.p50_most) as p50_most, min(l.p99_least) as p99_least,
      max(l.p99_most) as p99_most
    from rekey.reported_latencies l
    where l.bucket >= from_moment and l.bucket + interval '10 seconds' <= to_moment
    group by l.operation) o
$$;
revoke execute on function rekey.latencies_reported(timestamptz, timestamptz) from public;
