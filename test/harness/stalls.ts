import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';

export interface Stalls {
  /** How much of the time between two instants of `performance.now()` the machine, or Postgres, stood still. */
  between(fromMs: number, toMs: number): number;
  stop(): Promise<void>;
}

/** A turn takes about this long; what it takes beyond counts as standing still. */
const turnMs = 25;

/**
 * What waits for nobody, at work beside what is measured: every 10 ms it wakes and writes a row that nobody else touches.
 * The time that it loses, everybody lost, so a bound on what others make somebody wait leaves it out.
 */
export async function watchStalls(pool: Pool): Promise<Stalls> {
  const client = await pool.connect();
  await client.query('create temporary table beside (n bigint); insert into beside values (0)');
  const lost: Array<{ readonly fromMs: number; readonly toMs: number }> = [];
  let going = true;
  let turnFromMs = performance.now();
  const watching = (async () => {
    while (going) {
      const fromMs = performance.now();
      turnFromMs = fromMs;
      await sleep(10);
      await client.query('update beside set n = n + 1');
      const toMs = performance.now();
      if (toMs - fromMs > turnMs) lost.push({ fromMs: fromMs + turnMs, toMs });
    }
  })();
  watching.catch(() => {});
  return {
    between: (fromMs, toMs) =>
      [...lost, { fromMs: turnFromMs + turnMs, toMs: performance.now() }].reduce(
        (ms, gap) => ms + Math.max(0, Math.min(gap.toMs, toMs) - Math.max(gap.fromMs, fromMs)),
        0,
      ),
    async stop() {
      going = false;
      try {
        await watching;
      } finally {
        client.release(true);
      }
    },
  };
}
