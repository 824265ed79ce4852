-- Closes the DEK's locks if it can, and raises when it still drains, or when any record of a registered table still stands under it.
create or replace function rekey.refuse_to_destroy(dek uuid, tenant uuid, number integer) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
-- Where it would hide rows it is to say so.
set row_security = off
as $$
declare
  target record;
  referenced boolean;
begin
  perform rekey.drain_older(tenant, true);
  -- First this and then, in statements of their own, the records: whoever holds it may still write one.
  if exists (select from rekey.dek_locks l where l.dek_id = dek and l.closed_at is null) then
    raise exception 'DEK % is still held by transactions that began before it was deactivated', dek
      using errcode = 'RK003';
  end if;
  -- Also of those whose registration is not finished.
  for target in select * from rekey.targets t where t.retired_at is null
      or t.retired_at = 'infinity' and to_regclass(t.table_name) is not null loop
    execute format('select exists (select from %s where %I = $1 and %I = $2)',
      target.table_name, target.tenant_column, target.key_column)
      into referenced using tenant, number;
    if referenced then
      raise exception 'DEK % still protects records of %', dek, target.name using errcode = 'RK003';
    end if;
  end loop;
end
$$;
