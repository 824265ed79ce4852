-- Of rekey.check_target: what kind of a table it is.
create or replace function rekey.check_target_table(target_table regclass)
returns table (code text, severity text, problem text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with c as (select * from pg_class where oid = target_table)
  -- A statement trigger fires for the table that a statement names: a write to a partition would pass by the fence of
  -- its parent, and one through the parent by that of the partition.
  select 'NOT_A_PLAIN_TABLE', 'error', format('Only a plain table can be a target, and %s is %s.', target_table,
      case c.relkind when 'p' then 'partitioned' when 'v' then 'a view' when 'm' then 'a materialized view'
        when 'f' then 'a foreign table' else 'something else' end)
    from c where c.relkind <> 'r'
  union all
  select 'INHERITANCE', 'error', format('Only a plain table can be a target, and %s is a partition or inherits%s.',
      target_table, ' or is inherited from')
    from c where exists (select from pg_inherits h where c.oid in (h.inhrelid, h.inhparent) and c.relkind = 'r')
      or c.relispartition
  union all
  select 'NOT_DURABLE', 'error', format('%s is %s: a crash of Postgres would empty it.', target_table,
      case c.relpersistence when 't' then 'temporary' else 'unlogged' end)
    from c where c.relpersistence <> 'p'
  union all
  select 'RULE', 'error', format('The rule %s rewrites statements on %s.', r.rulename, target_table)
    from c join pg_rewrite r on r.ev_class = c.oid and c.relkind in ('r', 'p')
  union all
  select 'NOT_THE_OWNER', 'error', format('The role %s does not own %s.', current_user, target_table)
    from c where not pg_has_role(current_user, c.relowner, 'USAGE')
  union all
  select 'ROW_SECURITY', case when rekey.is_hidden_from(c.oid, current_user) then 'error' else 'warning' end,
      format('Row level security is on for %s: workers, the API and the owner of the schema rekey must be roles that %s.',
        target_table, 'it does not apply to (BYPASSRLS; or the owner of the table, unless it is forced)')
    from c where c.relrowsecurity
  union all
  select 'SUBSCRIBED', 'error', format('%s is filled by a subscription of logical replication, which fires no fence.', target_table)
    from c where exists (select from pg_subscription_rel s where s.srrelid = c.oid)
  union all
  select 'REPLICA_IDENTITY', case when c.relreplident = 'f' then 'warning' else 'error' end, format(
      case when c.relreplident = 'f'
        then '%s is published with REPLICA IDENTITY FULL: the old ciphertext goes into the log with each re-encryption.'
        else '%s is published without a replica identity: Postgres refuses every update of it.' end, target_table)
    from c where (exists (select from pg_publication p where p.puballtables)
        or exists (select from pg_publication_rel p where p.prrelid = c.oid)
        or exists (select from pg_publication_namespace p where p.pnnspid = c.relnamespace))
      and (c.relreplident in ('f', 'n') or (c.relreplident = 'd'
        and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)))
$$;
