-- Appends events to the log, so many at most, those of a chain in their order: how many were appended. Looks at chains that
-- had an event within that time, with null at all of them. Where an event of a chain is missing the log does not go on.
create or replace function rekey.append_log(recent interval, at_most integer) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  size_before constant bigint := rekey.lock_log();
  added integer;
begin
  if size_before is null then
    return 0;
  end if;
  with behind as materialized (
    select c.chain, coalesce(h.sequence, 0) as logged
    from rekey.event_chains c left join rekey.log_heads h on h.chain = c.chain
    where c.sequence > coalesce(h.sequence, 0)
      and (recent is null or c.chain in (select e.chain from rekey.events e where e.at > clock_timestamp() - recent))
    limit at_most),
  new as (
    select f.*, f.sequence = b.logged + row_number() over (partition by f.chain order by f.sequence) as follows
    from behind b cross join lateral (
      select e.chain, e.sequence, e.hash from rekey.events e
      where e.chain = b.chain and e.sequence > b.logged order by e.sequence limit at_most) f),
  placed as (
    select row_number() over (order by n.chain, n.sequence) as place, n.* from new n where n.follows
    order by place limit at_most)
  insert into rekey.log_leaves (index, chain, sequence, content)
    select size_before + p.place - 1, p.chain, p.sequence, p.hash from placed p;
  get diagnostics added = row_count;
  if added = 0 then
    return 0;
  end if;
  insert into rekey.log_heads (chain, sequence, content)
    select distinct on (l.chain) l.chain, l.sequence, l.content from rekey.log_leaves l
    where l.index >= size_before order by l.chain, l.sequence desc
    on conflict (chain) do update set sequence = excluded.sequence, content = excluded.content;
  update rekey.log_size s set size = size_before + added;
  perform rekey.complete_log(size_before, size_before + added);
  return added;
end
$$;
revoke execute on function rekey.append_log(interval, integer) from public;
