-- What is wrong with the chain of a tenant, with null with all chains: nothing, where every event stands in its place with
-- what it had when it was appended, from where the chain was cut off as its cut allows. Whoever may recompute a whole chain, or
-- cut its tail and set back its head, can only be found out by what was kept elsewhere.
create or replace function rekey.verify_events(of_chain uuid default null)
returns table (chain uuid, sequence bigint, problem text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  with cut as (select c.* from rekey.event_cuts c order by c.tree_size desc limit 1),
  -- Of each chain the last event that is gone.
  gone as materialized (
    select distinct on (l.chain) l.chain, l.sequence, l.content as hash
    from rekey.log_leaves l cross join cut c
    where l.chain is not null and l.index < c.cut_to and (l.chain = of_chain or of_chain is null)
    order by l.chain, l.sequence desc),
  linked as (
    select e.chain, e.sequence, e as event,
      lag(e.sequence, 1, coalesce(g.sequence, 0)) over one as sequence_before,
      lag(e.hash, 1, coalesce(g.hash, decode(repeat('00', 32), 'hex'))) over one as hash_before
    from rekey.events e left join gone g on g.chain = e.chain where e.chain = of_chain or of_chain is null
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
    full join (select distinct on (l.chain) l.chain, l.sequence, l.hash from (
        select n.chain, n.sequence, (n.event).hash as hash from linked n
        union all select g.chain, g.sequence, g.hash from gone g) l
      order by l.chain, l.sequence desc) last on last.chain = c.chain
    where c.sequence is distinct from last.sequence or c.hash is distinct from last.hash
  union all
  -- No event says that it was cut off, or says of it what a cut never was.
  select i.id, 0, 'CUT_NOT_PERMITTED' from cut c cross join rekey.installation i
    where not exists (select from rekey.events e join rekey.log_checkpoints k on k.tree_size = c.tree_size
      where e.chain = i.id and e.kind = 'audit.cut' and e.payload = jsonb_build_object('treeSize', c.tree_size, 'years', c.years)
        and k.made_at < e.at - make_interval(years => c.years))
  union all
  -- It says so in a chain that allows nothing, or of a cut that there never was.
  select e.chain, e.sequence, 'CUT_NOT_PERMITTED' from rekey.events e cross join rekey.installation i
    where e.kind = 'audit.cut' and (e.chain = of_chain or of_chain is null)
      and not (e.chain = i.id and exists (select from rekey.event_cuts c
        where e.payload = jsonb_build_object('treeSize', c.tree_size, 'years', c.years)))
  order by 1, 2
$$;
revoke execute on function rekey.verify_events(uuid) from public;
