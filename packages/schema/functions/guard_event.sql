-- An event never changes, and the head of a chain only moves on by one. Deleted is only what was allowed to be cut off.
create or replace function rekey.guard_event() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and tg_table_name = 'event_chains' then
    if new.chain = old.chain and new.sequence = old.sequence + 1 then
      return new;
    end if;
  elsif tg_op = 'DELETE' and tg_table_name = 'events' then
    perform from rekey.log_leaves l
      where (l.chain, l.sequence) = (old.chain, old.sequence) and l.content = old.hash
        and l.index < (select max(c.tree_size) from rekey.event_cuts c);
    if found then
      return old;
    end if;
  end if;
  raise exception 'What is recorded never changes' using errcode = 'RK010';
end
$$;
