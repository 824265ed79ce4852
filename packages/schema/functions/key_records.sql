-- How many records of a tenant stand under each of its DEKs, counted now, in every registered table: also in those whose
-- registration is not finished. Takes as long as reading the tenant's records.
create or replace function rekey.key_records(tenant uuid)
returns table (target text, item_type text, key_number integer, records bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
-- Where it would hide rows it is to say so.
set row_security = off
as $$
#variable_conflict use_column
declare
  counted record;
begin
  for counted in select * from rekey.targets t where t.retired_at is null
      or t.retired_at = 'infinity' and to_regclass(t.table_name) is not null order by t.name loop
    return query execute format(
      'select $2::text, $3::text, %1$I, count(*) from %2$s where %3$I = $1 and %1$I is not null group by %1$I',
      counted.key_column, counted.table_name, counted.tenant_column)
      using key_records.tenant, counted.name, counted.item_type;
  end loop;
end
$$;
revoke execute on function rekey.key_records(uuid) from public;
