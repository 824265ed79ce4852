-- An event never changes, and the head of a chain only moves on by one.
create or replace function rekey.guard_event() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' and tg_table_name = 'event_chains' then
    if new.chain = old.chain and new.sequence = old.sequence + 1 then
      return new;
    end if;
  end if;
  raise exception 'What is recorded never changes' using errcode = 'RK010';
end
$$;
