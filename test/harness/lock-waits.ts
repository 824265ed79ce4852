import type { Pool } from 'pg';

/** A session that waits for a lock, and one of Rekey's that it waits for, itself or behind others. */
export interface WaitBehindOurs {
  readonly waiting: Session;
  readonly blocker: Session;
}

export interface Session {
  readonly pid: number;
  readonly name: string;
  readonly ours: boolean;
  /** How long it has waited. */
  readonly ms: number;
  readonly query: string;
  readonly by: readonly number[];
}

/** Sessions that wait for a lock, and those whom they wait for. */
const look = `
  with waiting as (
    select a.pid, pg_blocking_pids(a.pid) as by,
      (select max(extract(epoch from clock_timestamp() - l.waitstart) * 1000)
       from pg_locks l where l.pid = a.pid and not l.granted) as ms
    from pg_stat_activity a where a.datname = current_database() and a.wait_event_type = 'Lock')
  select a.pid, a.application_name as name, a.application_name like 'rekey%' as ours,
    coalesce(w.ms, 0)::float8 as ms, left(a.query, 80) as query, coalesce(w.by, '{}') as by
  from pg_stat_activity a left join waiting w using (pid)
  where w.pid is not null or a.pid in (select unnest(by) from waiting)`;

/** Sessions of applications that wait, now, for a session of Rekey's or for somebody who waits for one. */
export async function waitsBehindOurs(pool: Pool): Promise<WaitBehindOurs[]> {
  const { rows } = await pool.query<Session>(look);
  const byPid = new Map(rows.map((row) => [row.pid, row]));
  return rows.flatMap((waiting) => {
    const blocker = waiting.ours ? null : oursBehind(waiting, byPid);
    return blocker === null ? [] : [{ waiting, blocker }];
  });
}

function oursBehind(waiting: Session, byPid: ReadonlyMap<number, Session>): Session | null {
  const seen = new Set<number>();
  const next = [...waiting.by];
  for (let pid = next.pop(); pid !== undefined; pid = next.pop()) {
    const blocker = byPid.get(pid);
    if (seen.has(pid) || blocker === undefined) continue;
    seen.add(pid);
    if (blocker.ours) return blocker;
    next.push(...blocker.by);
  }
  return null;
}
