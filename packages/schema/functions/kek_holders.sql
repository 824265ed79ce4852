-- The processes at work that have wrapped and unwrapped with each KEK, when they last tried: they do every ten minutes.
create or replace function rekey.kek_holders()
returns table (kek_id text, process_id uuid, kind text, host text, proved_at timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select k.kek_id, p.id, p.kind, p.host, k.proved_at
    from rekey.process_keks k join rekey.processes p on p.id = k.process_id
    where rekey.is_at_work(p.heartbeat_at, p.beat_at, p.ended_at)
      and k.proved_at > clock_timestamp() - interval '1500 seconds'
    order by k.kek_id, p.id;
end
$$;
revoke execute on function rekey.kek_holders() from public;
