-- Keeps what an application reported of its latencies, for certificates. What is no figure is left out, and so is what would
-- have to wait for somebody else's report: nothing rests on these.
create or replace function rekey.keep_latencies(process uuid, reported jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  slots constant integer := 16;
  milliseconds_max constant numeric := 86400000;
  in_bucket constant timestamptz := date_bin('10 seconds', clock_timestamp(), 'epoch');
  in_slot constant smallint := get_byte(uuid_send(process), 15) % slots;
  named text;
  figures jsonb;
begin
  foreach named in array array['open', 'seal'] loop
    figures := reported -> named;
    continue when (jsonb_typeof(figures -> 'count') = 'number' and jsonb_typeof(figures -> 'p50') = 'number'
      and jsonb_typeof(figures -> 'p99') = 'number') is not true;
    continue when (figures ->> 'count')::numeric not between 1 and 1e12
      or (figures ->> 'p50')::numeric not between 0 and milliseconds_max
      or (figures ->> 'p99')::numeric not between 0 and milliseconds_max
      or not pg_try_advisory_xact_lock(hashtextextended('rekey latencies', in_slot));
    insert into rekey.reported_latencies as l
      (bucket, operation, slot, reports, operations, p50_least, p50_most, p99_least, p99_most)
      select in_bucket, named, in_slot, 1, (figures ->> 'count')::numeric, f.p50, f.p50, f.p99, f.p99
      from (select round((figures ->> 'p50')::numeric * 1000)::bigint as p50,
        round((figures ->> 'p99')::numeric * 1000)::bigint as p99) f
      on conflict (bucket, operation, slot) do update set reports = l.reports + 1,
        operations = l.operations + excluded.operations, p50_least = least(l.p50_least, excluded.p50_least),
        p50_most = greatest(l.p50_most, excluded.p50_most), p99_least = least(l.p99_least, excluded.p99_least),
        p99_most = greatest(l.p99_most, excluded.p99_most);
  end loop;
end
$$;
revoke execute on function rekey.keep_latencies(uuid, jsonb) from public;
