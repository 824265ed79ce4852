import type { Pool } from 'pg';
import type { Mutant } from './mutants.ts';
import { castOf, play, randomOf } from './schedules.ts';
import { judge, setStage } from './stages.ts';

export interface Found {
  readonly seed: number;
  readonly cast: readonly string[];
  readonly trace: readonly string[];
  readonly violations: readonly string[];
}

export interface Run {
  readonly schedules: number;
  readonly found: readonly Found[];
  /** In how many of them somebody waited for a lock; in how many a range was proved. */
  readonly waited: number;
  readonly proved: number;
  /** Different orders of steps. */
  readonly orders: number;
}

export interface RunOptions {
  readonly seed: number;
  readonly schedules: number;
  /** So many at once: each has a tenant of its own. */
  readonly lanes?: number;
  readonly statement?: Mutant['statement'];
  readonly cast?: Mutant['cast'];
  /** Ends the run with the first violation. */
  readonly untilFound?: boolean;
}

/** Plays schedules with seeds that follow each other. */
export async function runSchedules(
  pool: Pool,
  { seed, schedules, lanes = 4, statement, cast: always, untilFound = false }: RunOptions,
): Promise<Run> {
  const found: Found[] = [];
  const orders = new Set<string>();
  let [next, waited, proved] = [0, 0, 0];
  const lane = async (): Promise<void> => {
    while (next < schedules && !(untilFound && found.length > 0)) {
      const mine = seed + next;
      next += 1;
      const random = randomOf(mine);
      const cast = always ?? castOf(random);
      const stage = await setStage(pool, statement);
      const trace = await play(stage, cast, pool, random);
      orders.add(trace.join(' '));
      if (trace.some((step) => step.endsWith('⏳'))) waited += 1;
      if (stage.proved) proved += 1;
      if (trace.some((step) => /^switch.*⏳$/.test(step))) stage.violations.push('the switch waited');
      const violations = await judge(stage, pool);
      if (violations.length > 0) found.push({ seed: mine, cast, trace, violations });
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { schedules: next, found, waited, proved, orders: orders.size };
}

/** Takes the safeguard out of the functions of this database. Throws where its text is not to be found. */
export async function mutate(pool: Pool, { name, changes }: Mutant): Promise<void> {
  for (const { fn, from, to } of changes) {
    const { rows } = await pool.query<{ text: string }>(
      'select pg_get_functiondef($1::regprocedure) as text',
      [fn],
    );
    const text = rows[0]?.text ?? '';
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`mutant "${name}": nothing to change in ${fn}`);
    await pool.query(changed);
  }
  // A mutant is to be seen by what it does, not by its text.
  await pool.query('select rekey.remember_functions()');
}
