-- Deletes processes that have been silent, or ended, for longer than anything is judged by them, some at a time; when each
-- DEK was last opened is kept. A day at the least, so that whoever looks still sees what went away.
create or replace function rekey.forget_processes() returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  at_most constant integer := 100;
  old uuid[];
begin
  old := array(
    select p.id from rekey.processes p
    where p.heartbeat_at < clock_timestamp() - greatest(86400, 2 * rekey.setting('destruction_unused_seconds')) * interval '1 second'
    order by p.heartbeat_at limit at_most for update skip locked);
  insert into rekey.dek_openings as o (dek_id, last_opened_at)
    select d.dek_id, max(d.last_opened_at) from rekey.process_deks d where d.process_id = any (old)
    group by d.dek_id order by d.dek_id
    on conflict (dek_id) do update set last_opened_at = greatest(o.last_opened_at, excluded.last_opened_at);
  delete from rekey.processes p where p.id = any (old);
  -- What they reported of latencies concerns rotations that are under way.
  delete from rekey.reported_latencies l where l.bucket < clock_timestamp() - interval '30 days';
  return cardinality(old);
end
$$;
revoke execute on function rekey.forget_processes() from public;
