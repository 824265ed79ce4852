-- Those conditions that do not hold, as they are told to whoever is refused for them; null: none.
create or replace function rekey.refused_conditions(conditions jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_agg(jsonb_build_object('name', c ->> 'name', 'state', c ->> 'state') order by (c ->> 'ordinal')::integer)
  from jsonb_array_elements(conditions) c where c ->> 'state' <> 'met'
$$;
revoke execute on function rekey.refused_conditions(jsonb) from public;
