/** How long a step of several rotations waits for a lock, in milliseconds: then each takes it by itself. */
const waitsMs = 200;

/**
 * What a statement for several orders selects from: one row of `asked` for each, with a column for each name, whose values are
 * the statement's parameters in that order. It waits for no lock for long, since all of them would.
 */
export function several(columns: Readonly<Record<string, string>>): string {
  const arrays = Object.values(columns).map((type, i) => `$${i + 1}::${type}[]`);
  const [first = '', ...others] = arrays;
  // The first one depends on the setting, so that it is made before anything is called.
  const bound = [`case when bound.ms <> '' then ${first} end`, ...others].join(', ');
  return `(select set_config('lock_timeout', '${waitsMs}', true) as ms) bound
    cross join lateral unnest(${bound}) asked(${Object.keys(columns).join(', ')})`;
}
