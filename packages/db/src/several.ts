/**
 * How long a step of several rotations waits for each lock, in milliseconds: then each takes it by itself. What eight of them
 * hold meanwhile is held for less than Postgres' `deadlock_timeout` in all, so that nobody else is looked at for a deadlock.
 */
const waitsMs = 50;

/** `together`: it waits for no lock for long, since all of them would. `alone`: for as long as its session may. */
export type Going = 'together' | 'alone';

/**
 * What a statement for several orders selects from: one row of `asked` for each, with a column for each name, whose values are
 * the statement's parameters in that order.
 */
export function several(columns: Readonly<Record<string, string>>, going: Going = 'together'): string {
  const arrays = Object.values(columns).map((type, i) => `$${i + 1}::${type}[]`);
  const asked = `asked(${Object.keys(columns).join(', ')})`;
  return going === 'alone' ? `unnest(${arrays.join(', ')}) ${asked}` : hurried(arrays, asked, waitsMs);
}

/**
 * Such arrays as the rows of `asked`, in a transaction that waits for no lock longer than this from then on: the setting goes
 * with it. The first array depends on that, so that it is set before anything is called for one of the rows.
 */
export function hurried([first = '', ...others]: readonly string[], asked: string, ms: number): string {
  const bound = [`case when bound.ms <> '' then ${first} end`, ...others].join(', ');
  return `(select set_config('lock_timeout', '${ms}', true) as ms) bound cross join lateral unnest(${bound}) ${asked}`;
}
