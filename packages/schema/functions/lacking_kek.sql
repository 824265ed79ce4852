-- The processes at work that have not proved this KEK: what is brought under it they could not unwrap.
create or replace function rekey.lacking_kek(wanted text)
returns table (process_id uuid, kind text, host text, database_role name)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
    select p.id, p.kind, p.host, p.database_role from rekey.processes p
    where rekey.is_at_work(p.heartbeat_at, p.beat_at, p.ended_at)
      and not exists (select from rekey.kek_holders() h where h.process_id = p.id and h.kek_id = wanted)
    order by p.kind, p.host, p.id;
end
$$;
revoke execute on function rekey.lacking_kek(text) from public;
