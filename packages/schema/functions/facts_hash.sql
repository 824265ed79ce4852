-- Of how the facts stand (rekey.destruction_facts, as JSON), by which an approval knows that nothing has changed since.
create or replace function rekey.facts_hash(facts jsonb) returns bytea
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select sha256(convert_to(string_agg((f ->> 'name') || '=' || (f ->> 'state'), ',' order by f ->> 'name'), 'UTF8'))
  from jsonb_array_elements(facts) f
$$;
revoke execute on function rekey.facts_hash(jsonb) from public;
