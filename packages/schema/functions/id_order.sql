-- The order in which the ids of a registered table stand now, in words to compare: of texts it is that of a collation, of the
-- column's own or of the database, of which the system's libraries have versions. Null for ids that have but one order.
create or replace function rekey.id_order(target_name text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  -- The names of some columns differ between versions of Postgres.
  select case when l.collprovider = 'd' then concat_ws(' ', d.its ->> 'datlocprovider', d.its ->> 'datcollate',
      coalesce(d.its ->> 'datlocale', d.its ->> 'daticulocale'), d.its ->> 'daticurules',
      pg_database_collation_actual_version(d.oid))
    else concat_ws(' ', c.its ->> 'collprovider', c.its ->> 'collcollate',
      coalesce(c.its ->> 'colllocale', c.its ->> 'colliculocale'), c.its ->> 'collicurules',
      pg_collation_actual_version(l.oid)) end
  from rekey.targets t
    join pg_attribute a on a.attrelid = t.table_oid and a.attname = t.id_column
    join pg_collation l on l.oid = a.attcollation
    cross join lateral (select to_jsonb(l) as its) c
    cross join lateral (select g.oid, to_jsonb(g) as its from pg_database g where g.datname = current_database()) d
  where t.name = target_name and t.id_type = 'text' and t.retired_at is null
$$;
