-- A time stamp that is kept never changes and never goes.
create or replace function rekey.guard_certificate_stamp() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'UPDATE' then
    if old.token is null and (new.kind, new.subject) = (old.kind, old.subject) then
      return new;
    end if;
  end if;
  raise exception 'What is recorded never changes' using errcode = 'RK010';
end
$$;
