import type { ConnectionBudget } from './connection-budget.ts';
import type { Queryable } from './queryable.ts';
import { row } from './statements.ts';

/** What the server would let this role have now. Processes that come later are not in it. */
export interface ConnectionRoom {
  /** Connections that others leave us, our own among them. */
  readonly room: number;
  /** Who sets the limit that is met first, and what it is. */
  readonly of: 'server' | 'role' | 'database';
  readonly limit: number;
}

/**
 * `max_connections` without the slots that are kept for others, and the limits of role and database, each less what is in
 * use. Whose connections they are is seen without any right; superusers are held by no limit but the first.
 */
export async function findConnectionRoom(on: Queryable, budget: ConnectionBudget): Promise<ConnectionRoom> {
  const { open } = budget;
  return row<{ room: number; of: ConnectionRoom['of']; limit: number }>(
    on,
    `with me as (
       select r.oid, r.rolsuper, r.rolconnlimit, r.rolsuper or coalesce((
           select pg_has_role(r.oid, p.oid, 'usage') from pg_catalog.pg_roles p
           where p.rolname = 'pg_use_reserved_connections'), false) as reserved_too
       from pg_catalog.pg_roles r where r.rolname = session_user),
     used as (
       select usesysid, datid from pg_catalog.pg_stat_activity
       where usesysid is not null and coalesce(backend_type, 'client backend') = 'client backend'),
     limits as (
       select 'server' as of, current_setting('max_connections')::int
           - case when rolsuper then 0 else current_setting('superuser_reserved_connections')::int end
           - case when reserved_too then 0 else coalesce(current_setting('reserved_connections', true), '0')::int end
         as "limit", (select count(*) from used)::int as used from me
       union all
       select 'role', rolconnlimit, (select count(*) from used where usesysid = me.oid)::int
       from me where rolconnlimit >= 0 and not rolsuper
       union all
       select 'database', d.datconnlimit, (select count(*) from used where datid = d.oid)::int
       from me, pg_catalog.pg_database d where d.datname = current_database() and d.datconnlimit >= 0 and not rolsuper)
     select of, "limit", "limit" - used + least(used, $1::int) as room from limits order by room limit 1`,
    [open],
  );
}

/** One line for an operator when the budget cannot be had; null: it can. */
export function roomProblem({ max }: ConnectionBudget, { room, of, limit }: ConnectionRoom): string | null {
  if (room >= max) return null;
  return (
    `DATABASE_CONNECTIONS_MAX is ${max}, and Postgres has room for ${Math.max(0, room)} of them ` +
    `now (${of === 'server' ? 'max_connections without reserved slots' : `the ${of}'s limit`}: ${limit}): ` +
    'applications or this process will be refused'
  );
}
