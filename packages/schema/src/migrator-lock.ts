import { setTimeout as sleep } from 'node:timers/promises';
import { rows, StoreError } from '@rekey/db';
import type { Client } from 'pg';

/** Any number will do, as long as nobody else's migrator uses it. */
const migratorLock = 1_380_273_498;

const pauseMs = { least: 300, most: 1_500 } as const;

/** How long one waits before it tries again, by chance: those that wait for one thing do not come at once. */
export const pause = (): Promise<void> =>
  sleep(pauseMs.least + Math.random() * (pauseMs.most - pauseMs.least));

/**
 * Resolves once no other migrator is at work. Asks again and again: who waits in a statement holds a snapshot, and a migration
 * that builds an index beside writers waits for all of these. Each time it says for whom it waits: that may be anybody,
 * since advisory locks are everybody's.
 *
 * @throws StoreError `LOCKED` after the time given
 */
export async function takeMigratorLock(
  client: Client,
  { forMs, onWait }: { readonly forMs: number; readonly onWait: ((what: string) => void) | undefined },
): Promise<void> {
  const deadlineMs = performance.now() + forMs;
  for (;;) {
    const [taken] = await rows<{ taken: boolean }>(client, 'select pg_try_advisory_lock($1) as taken', [
      migratorLock,
    ]);
    if (taken?.taken === true) return;
    const what = `one migrator at a time works, by an advisory lock (${migratorLock}), and ${await holderOf(client)}`;
    if (performance.now() > deadlineMs)
      throw new StoreError(
        'LOCKED',
        `Another session is in the way: ${what}; nothing was changed. Let it end, or end it: select pg_terminate_backend(pid)`,
      );
    onWait?.(what);
    await pause();
  }
}

/** What the database tells of whoever holds it; of others' sessions it may tell little. */
async function holderOf(client: Client): Promise<string> {
  const [holder] = await rows<{
    pid: number;
    role: string | null;
    application: string;
    since: string | null;
  }>(
    client,
    `select l.pid, a.usename as role, coalesce(a.application_name, '') as application,
       to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as since
     from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and l.classid = 0 and l.objid = $1
       and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
     limit 1`,
    [migratorLock],
  );
  if (holder === undefined) return 'another has just let it go';
  const { pid, role, application, since } = holder;
  const parts = [
    role === null ? '' : `role ${role}`,
    application === '' ? '' : `application ${JSON.stringify(application)}`,
    since === null ? '' : `connected since ${since}`,
  ].filter((part) => part !== '');
  return `process ${pid} of Postgres holds it${parts.length === 0 ? '' : ` (${parts.join(', ')})`}`;
}
