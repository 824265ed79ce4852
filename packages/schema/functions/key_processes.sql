-- The processes that have used a DEK, the latest use first, some of them.
create or replace function rekey.key_processes(dek uuid, at_most integer) returns table (
  id uuid, kind text, state text, host text, database_role name, opened_since timestamptz, last_opened_at timestamptz
)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select p.id, p.kind, rekey.process_state(p.heartbeat_at, p.ended_at), p.host, p.database_role, o.opened_since,
    o.last_opened_at
  from rekey.process_deks o join rekey.processes p on p.id = o.process_id
  where o.dek_id = dek order by o.last_opened_at desc, p.id limit at_most
$$;
revoke execute on function rekey.key_processes(uuid, integer) from public;
