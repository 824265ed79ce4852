-- Appends events to the log, so many at most, those of a chain in their order: how many were appended. Looks at chains that
-- had an event within that time, with null at all of them. Where an event of a chain is missing the log does not go on.
create or replace function rekey.append_log(recent interval, at_most integer) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  size_before constant bigint := rekey.lock_log();
  size_now bigint := size_before;
  behind record;
  added integer;
begin
  if size_before is null then
    return 0;
  end if;
  for behind in
    select c.chain, coalesce(h.sequence, 0) as logged
    from rekey.event_chains c left join rekey.log_heads h on h.chain = c.chain
    where c.sequence > coalesce(h.sequence, 0)
      and (recent is null or c.chain in (select e.chain from rekey.events e where e.at > clock_timestamp() - recent))
    limit at_most
  loop
    insert into rekey.log_leaves (index, chain, sequence, content)
      select size_now + e.n - 1, e.chain, e.sequence, e.hash
      from (
        select f.chain, f.sequence, f.hash, row_number() over (order by f.sequence) as n from rekey.events f
        where f.chain = behind.chain and f.sequence > behind.logged
          and f.sequence <= behind.logged + at_most - (size_now - size_before)) e
      where e.sequence = behind.logged + e.n;
    get diagnostics added = row_count;
    continue when added = 0;
    size_now := size_now + added;
    insert into rekey.log_heads (chain, sequence, content)
      select l.chain, l.sequence, l.content from rekey.log_leaves l where l.index = size_now - 1
      on conflict (chain) do update set sequence = excluded.sequence, content = excluded.content;
    exit when size_now - size_before >= at_most;
  end loop;
  if size_now > size_before then
    update rekey.log_size s set size = size_now;
    perform rekey.complete_log(size_before, size_now);
  end if;
  return size_now - size_before;
end
$$;
revoke execute on function rekey.append_log(interval, integer) from public;
