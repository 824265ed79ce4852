-- Ends the sessions that hold the lock row which a session waits for in rekey.wait_for_dek, if it is of a DEK that has been
-- compromised for longer than the setting compromise_patience_seconds: nobody else's. Whom, and whether it was done: not of a
-- prepared transaction, which has no process and goes by its gid, nor where the owner of this function may not (it takes a
-- member of pg_signal_backend; a superuser's sessions only a superuser ends).
create or replace function rekey.end_holders(dek uuid, waiting_pid integer)
returns table (slot integer, pid integer, gid text, application_name text, role_name text, ended boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  held record;
  others integer[];
  holder record;
begin
  if not exists (select from rekey.compromised_and_held() c where c.dek_id = dek and c.patience_ms <= 0) then
    return;
  end if;
  -- Who waits for the transaction that holds a row has that row's own lock while it does. Whoever waits for anything else has
  -- others in its way.
  select l.slot, l.xmax as locker, w.transactionid as waits_for into held
    from pg_locks t join rekey.dek_locks l on l.ctid = format('(%s,%s)', t.page, t.tuple)::tid
      join pg_locks w on w.pid = t.pid and w.locktype = 'transactionid' and not w.granted
    where t.pid = waiting_pid and t.locktype = 'tuple' and t.granted and t.relation = 'rekey.dek_locks'::regclass
      and t.database = (select b.oid from pg_database b where b.datname = current_database())
      and l.dek_id = dek and l.closed_at is null;
  if not found then
    return;
  end if;
  -- Of several it waits for one after the other, and a prepared one, which nobody ends, may be the first of them. Those behind
  -- it stand in the row's multixact; whether what the row has is one, is told by that the one waited for is among them. Who took
  -- it in a savepoint that is released shows only once it is waited for.
  begin
    select array_agg(k.pid) into others
      from pg_get_multixact_members(held.locker) m
        join pg_locks k on k.locktype = 'transactionid' and k.granted and k.transactionid = m.xid
      where held.locker::text <> held.waits_for::text
        and exists (select from pg_get_multixact_members(held.locker) w where w.xid = held.waits_for);
  exception when others then
    others := null; -- there is none of that number
  end;
  -- By the transaction, and not by asking again whom the session waits for: by now that may be for something else.
  for holder in
    select a.pid, null::text as gid, a.application_name, a.usename::text as role_name
    from pg_locks k join pg_stat_activity a on a.pid = k.pid
    where k.locktype = 'transactionid' and k.granted and k.transactionid = held.waits_for
    union
    select null, p.gid, null, p.owner::text from pg_prepared_xacts p where p.transaction = held.waits_for
    union
    select a.pid, null, a.application_name, a.usename::text
    from pg_stat_activity a where a.pid = any (others)
  loop
    slot := held.slot;
    pid := holder.pid;
    gid := holder.gid;
    application_name := holder.application_name;
    role_name := holder.role_name;
    ended := false;
    if holder.pid is not null then
      begin
        ended := pg_terminate_backend(holder.pid);
      exception when insufficient_privilege then
        ended := false;
      end;
    end if;
    return next;
  end loop;
end
$$;
revoke execute on function rekey.end_holders(uuid, integer) from public;
