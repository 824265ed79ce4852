-- RFC 8785 of JSON whose numbers are integers and whose names of members are ASCII, as all that stands in events: Postgres
-- escapes strings as ECMAScript does.
create or replace function rekey.canonical_json(value jsonb) returns text
language plpgsql immutable strict
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Calls itself for what is nested only: events are flat, and a call costs more than all of the rest.
  return case jsonb_typeof(value)
    when 'object' then '{' || coalesce((
      select string_agg(to_json(m.key)::text || ':' || case when jsonb_typeof(m.value) in ('object', 'array')
        then rekey.canonical_json(m.value) else m.value::text end, ',' order by m.key collate "C")
      from jsonb_each(value) m), '') || '}'
    when 'array' then '[' || coalesce((
      select string_agg(rekey.canonical_json(m.value), ',' order by m.ordinality)
      from jsonb_array_elements(value) with ordinality m), '') || ']'
    else value::text
  end;
end
$$;
revoke execute on function rekey.canonical_json(jsonb) from public;
