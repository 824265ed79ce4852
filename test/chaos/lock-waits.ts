import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './world/world.ts';

const everyMs = 20;
const waitMaxMs = 250;

interface Waiting {
  readonly pid: number;
  readonly name: string;
  readonly ours: boolean;
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

/**
 * Samples who waits for whom, until the signal: no session of an application may wait longer than that for one of ours,
 * nor for somebody who waits for one of ours.
 */
export async function lockWaits(
  { pool, history }: Pick<World, 'pool' | 'history'>,
  signal: AbortSignal,
): Promise<void> {
  const told = new Set<string>();
  while (!signal.aborted) {
    const { rows } = await pool.query<Waiting>(look).catch(() => ({ rows: [] }));
    const byPid = new Map(rows.map((row) => [row.pid, row]));
    for (const waiting of rows) {
      if (waiting.ours || waiting.name.startsWith('chaos') || waiting.ms <= waitMaxMs) continue;
      const blocker = oursBehind(waiting, byPid);
      if (blocker === null) continue;
      const e = history.now();
      const b = Math.round(e - waiting.ms);
      // Once for each wait, to about its beginning.
      const key = `${waiting.pid}/${Math.round(b / 100)}`;
      if (told.has(key)) continue;
      told.add(key);
      const what = `${waiting.name} (${waiting.query}) waited ${Math.round(waiting.ms)} ms for ${blocker.name} (${blocker.query})`;
      history.add({ t: 'lock-wait', b, e, what });
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
}

function oursBehind(waiting: Waiting, byPid: ReadonlyMap<number, Waiting>): Waiting | null {
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
