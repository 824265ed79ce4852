-- Keeps the hashes of subtrees that became complete when the log grew.
create or replace function rekey.complete_log(size_before bigint, size_after bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  height integer := 8;
  leaves bigint := 256;
begin
  while size_before / leaves < size_after / leaves loop
    for n in size_before / leaves .. size_after / leaves - 1 loop
      insert into rekey.log_nodes (level, index, hash)
        select height, n, rekey.log_subtree(array_agg(below.hash order by below.index))
        from (
          select l.index, rekey.log_leaf_hash(l) as hash from rekey.log_leaves l
            where height = 8 and l.index between n * 256 and n * 256 + 255
          union all
          select d.index, d.hash from rekey.log_nodes d
            where d.level = height - 8 and d.index between n * 256 and n * 256 + 255) below;
    end loop;
    height := height + 8;
    leaves := leaves * 256;
  end loop;
end
$$;
revoke execute on function rekey.complete_log(bigint, bigint) from public;
