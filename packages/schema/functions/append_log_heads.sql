-- Appends to the log where each chain stands in it, as the root of the tree over them; whoever calls has locked the log. The
-- size of the log with it.
create or replace function rekey.append_log_heads(heads bigint, root bytea) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  size_before constant bigint := rekey.lock_log();
begin
  insert into rekey.log_leaves (index, chain, sequence, content) values (size_before, null, heads, root);
  update rekey.log_size s set size = size_before + 1;
  perform rekey.complete_log(size_before, size_before + 1);
  return size_before + 1;
end
$$;
revoke execute on function rekey.append_log_heads(bigint, bytea) from public;
