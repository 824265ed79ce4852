-- RFC 9162's hash of a leaf. An event is its chain, its sequence as eight bytes and its hash; heads are the words "rekey heads",
-- their number as eight bytes and their root: never as many bytes as an event.
create or replace function rekey.log_leaf_hash(leaf rekey.log_leaves) returns bytea
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select sha256('\x00'::bytea || coalesce(uuid_send(leaf.chain), convert_to('rekey heads', 'UTF8'))
    || int8send(leaf.sequence) || leaf.content)
$$;
revoke execute on function rekey.log_leaf_hash(rekey.log_leaves) from public;
