-- SHA-256 over the fields of an event in this order, as UTF-8, each behind its length in bytes (four bytes, big-endian), and
-- the hash of the event before it. Times are in UTC with microseconds; what is null is empty.
--
-- Without a query but for unusual members: each event of each rotation comes by here, and a query costs more than all of it.
create or replace function rekey.event_hash(event rekey.events) returns bytea
language plpgsql stable strict
set search_path = pg_catalog, pg_temp
as $$
declare
  label constant bytea := convert_to('rekey event', 'UTF8');
  version constant bytea := convert_to(event.version::text, 'UTF8');
  chain constant bytea := convert_to(event.chain::text, 'UTF8');
  sequence constant bytea := convert_to(event.sequence::text, 'UTF8');
  at constant bytea :=
    convert_to(to_char(event.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8');
  kind constant bytea := convert_to(event.kind, 'UTF8');
  who constant jsonb := event.actor;
  -- The canonical form of what rekey.event_actor makes, written down.
  actor constant bytea := convert_to(case
    when who ?& array['id', 'kind', 'nameHash', 'realm'] and who - array['id', 'kind', 'nameHash', 'realm'] = '{}'
      then '{"id":' || (who -> 'id')::text || ',"kind":' || (who -> 'kind')::text || ',"nameHash":'
        || (who -> 'nameHash')::text || ',"realm":' || (who -> 'realm')::text || '}'
    else rekey.canonical_json(who) end, 'UTF8');
  database_role constant bytea := convert_to(event.database_role, 'UTF8');
  rotation constant bytea := convert_to(coalesce(event.rotation_id::text, ''), 'UTF8');
  payload constant bytea :=
    convert_to(case when event.payload = '{}' then '{}' else rekey.canonical_json(event.payload) end, 'UTF8');
begin
  return sha256(
    int4send(octet_length(label)) || label || int4send(octet_length(version)) || version
    || int4send(octet_length(chain)) || chain || int4send(octet_length(sequence)) || sequence
    || int4send(octet_length(at)) || at || int4send(octet_length(kind)) || kind
    || int4send(octet_length(actor)) || actor || int4send(octet_length(database_role)) || database_role
    || int4send(octet_length(rotation)) || rotation || int4send(octet_length(payload)) || payload
    || int4send(octet_length(event.previous)) || event.previous);
end
$$;
revoke execute on function rekey.event_hash(rekey.events) from public;
