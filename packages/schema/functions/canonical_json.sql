-- RFC 8785 of JSON whose numbers are integers and whose names of members are ASCII, as all that stands in events: Postgres
-- escapes strings as ECMAScript does.
create or replace function rekey.canonical_json(value jsonb) returns text
language plpgsql immutable strict
set search_path = pg_catalog, pg_temp
as $$
declare
  kind constant text := jsonb_typeof(value);
  names jsonb;
  sorted text[] := '{}';
  name text;
  place integer;
  written text := '';
begin
  if kind <> 'object' and kind <> 'array' then
    return value::text;
  end if;
  -- Loops instead of queries for what is small: each event of each rotation comes by here, and a query costs more than all
  -- the rest of it.
  if kind = 'array' then
    for i in 0 .. jsonb_array_length(value) - 1 loop
      written := written || case i when 0 then '' else ',' end || rekey.canonical_json(value -> i);
    end loop;
    return '[' || written || ']';
  end if;
  names := jsonb_path_query_array(value, '$.keyvalue().key');
  if jsonb_array_length(names) > 20 then
    return '{' || (select string_agg(to_json(m.key)::text || ':' || rekey.canonical_json(m.value), ','
      order by m.key collate "C") from jsonb_each(value) m) || '}';
  end if;
  for i in 0 .. jsonb_array_length(names) - 1 loop
    name := names ->> i;
    place := i;
    while place > 0 and sorted[place] > name collate "C" loop
      sorted[place + 1] := sorted[place];
      place := place - 1;
    end loop;
    sorted[place + 1] := name;
  end loop;
  foreach name in array sorted loop
    written := written || case written when '' then '' else ',' end || to_json(name)::text || ':'
      || case when jsonb_typeof(value -> name) in ('object', 'array') then rekey.canonical_json(value -> name)
        else (value -> name)::text end;
  end loop;
  return '{' || written || '}';
end
$$;
revoke execute on function rekey.canonical_json(jsonb) from public;
