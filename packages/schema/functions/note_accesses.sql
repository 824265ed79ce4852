-- Records who was refused and who read, in the chain of the installation: an event per caller, operation, outcome and minute,
-- as the API counted them. Those it had no room to name come as a count without an operation. It takes a thousand at a time,
-- and makes events of these three kinds only.
create or replace function rekey.note_accesses(accesses jsonb) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  access jsonb;
  told constant text := coalesce(current_setting('rekey.actor', true), '');
begin
  if jsonb_array_length(accesses) > 1000 then
    raise exception 'No more than a thousand accesses at a time' using errcode = '22023';
  end if;
  for access in select a.value from jsonb_array_elements(accesses) with ordinality a order by a.ordinality loop
    perform set_config('rekey.actor', case jsonb_typeof(access -> 'actor') when 'object' then jsonb_build_object(
        'kind', 'user',
        'realm', left(access #>> '{actor,realm}', 200),
        'id', left(access #>> '{actor,id}', 300),
        'name', left(access #>> '{actor,name}', 300))::text
      else told end, true);
    perform rekey.append_event(
      null,
      case
        when access ->> 'operation' is null then 'access.others'
        when (access ->> 'outcome')::integer in (401, 403) then 'access.refused'
        else 'access.read'
      end,
      null,
      jsonb_strip_nulls(jsonb_build_object(
        'operation', left(access ->> 'operation', 100),
        'outcome', (access ->> 'outcome')::integer,
        'count', (access ->> 'count')::bigint,
        'since', to_char((access ->> 'since')::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))));
  end loop;
  perform set_config('rekey.actor', told, true);
end
$$;
revoke execute on function rekey.note_accesses(jsonb) from public;
