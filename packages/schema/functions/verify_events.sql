-- What is wrong with the chain of a tenant, with null with all chains: nothing, where every event stands in its place with
-- what it had when it was appended. Whoever may recompute a whole chain, or cut its tail and set back its head, can only be
-- found out by what was kept elsewhere.
create or replace function rekey.verify_events(of_chain uuid default null)
returns table (chain uuid, sequence bigint, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with linked as (
    select e.chain, e.sequence, e as event,
      lag(e.sequence, 1, 0::bigint) over one as sequence_before,
      lag(e.hash, 1, decode(repeat('00', 32), 'hex')) over one as hash_before
    from rekey.events e where e.chain = of_chain or of_chain is null
    window one as (partition by e.chain order by e.sequence))
  select l.chain, l.sequence, 'MISSING_BEFORE' from linked l where l.sequence <> l.sequence_before + 1
  union all
  select l.chain, l.sequence, 'CHANGED' from linked l where (l.event).hash is distinct from rekey.event_hash(l.event)
  union all
  select l.chain, l.sequence, 'OUT_OF_PLACE' from linked l
    where l.sequence = l.sequence_before + 1 and (l.event).previous <> l.hash_before
  union all
  select coalesce(c.chain, last.chain), coalesce(last.sequence, 0), 'TAIL'
    from (select * from rekey.event_chains c where c.chain = of_chain or of_chain is null) c
    full join (select distinct on (l.chain) l.chain, l.sequence, (l.event).hash as hash
      from linked l order by l.chain, l.sequence desc) last on last.chain = c.chain
    where c.sequence is distinct from last.sequence or c.hash is distinct from last.hash
  order by 1, 2
$$;
revoke execute on function rekey.verify_events(uuid) from public;
