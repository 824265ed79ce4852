-- SHA-256 over the fields of an event in this order, as UTF-8, each behind its length in bytes (four bytes, big-endian), and
-- the hash of the event before it. Times are in UTC with microseconds; what is null is empty.
create or replace function rekey.event_hash(event rekey.events) returns bytea
language sql stable strict
set search_path = pg_catalog, pg_temp
as $$
  select sha256(string_agg(int4send(octet_length(f.field)) || f.field, ''::bytea order by f.n))
  from (values
    (1, convert_to('rekey event', 'UTF8')),
    (2, convert_to(event.version::text, 'UTF8')),
    (3, convert_to(event.chain::text, 'UTF8')),
    (4, convert_to(event.sequence::text, 'UTF8')),
    (5, convert_to(to_char(event.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'UTF8')),
    (6, convert_to(event.kind, 'UTF8')),
    (7, convert_to(rekey.canonical_json(event.actor), 'UTF8')),
    (8, convert_to(event.database_role, 'UTF8')),
    (9, convert_to(coalesce(event.rotation_id::text, ''), 'UTF8')),
    (10, convert_to(rekey.canonical_json(event.payload), 'UTF8')),
    (11, event.previous)) f(n, field)
$$;
revoke execute on function rekey.event_hash(rekey.events) from public;
