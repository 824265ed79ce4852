import type { PoolClient } from 'pg';
import type { Owner } from './cleanup.ts';
import type { TestDatabase } from './database.ts';
import { until } from './wait.ts';

/** Connections of a test's own: one for each party to a race, and one to watch them. */
export interface Sessions {
  /** A connection with an open transaction; rolled back at the end if nobody ended it. */
  begin(isolation?: 'read committed' | 'repeatable read' | 'serializable'): Promise<PoolClient>;
  /** Resolves once that connection waits for a lock. */
  waitsForLock(session: PoolClient): Promise<unknown>;
}

export function sessionsOn(database: TestDatabase, owner: Owner): Sessions {
  const pool = database.pool({ max: 20 });
  const open: PoolClient[] = [];
  owner.after(async () => {
    // At once: one may wait for another.
    await Promise.all(
      open.map(async (session) => {
        await session.query('rollback').catch(() => {});
        session.release();
      }),
    );
  });
  return {
    async begin(isolation = 'read committed') {
      const session = await pool.connect();
      open.push(session);
      await session.query(`begin isolation level ${isolation}`);
      return session;
    },
    waitsForLock(session) {
      const pid = 'processID' in session ? session.processID : undefined;
      return until(
        async () =>
          (
            await pool.query(`select 1 from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'`, [
              pid,
            ])
          ).rowCount === 1,
        { what: 'a session waits for a lock', everyMs: 5 },
      );
    },
  };
}

/** A rejection's SQLSTATE; undefined when there is none, or nothing was rejected. */
export async function sqlState(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'none';
  }
}
