import { createHash } from 'node:crypto';
import type { QueryResultRow } from 'pg';
import { isPg } from './elsewhere.ts';
import { ownTypes } from './own-types.ts';
import type { Queryable } from './queryable.ts';
import { rows } from './statements.ts';
import { translateAll } from './store-error.ts';

// One per text that was ever sent: what comes here must not have values written into it.
const names = new Map<string, string>();

/** By the text itself: on whatever connection, under this name there is this statement or none. */
function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = `rekey_${createHash('sha256').update(text).digest('hex').slice(0, 24)}`;
  names.set(text, name);
  return name;
}

/**
 * One statement that every rotation runs, prepared once per connection; its rows. Postgres needs as long to parse and
 * plan one of these as to run it. Its result has named columns only: after a migration `select *` would be refused on
 * connections that prepared it before. Another driver prepares by its own lights. Throws {@link StoreError}.
 */
export async function prepared<Row extends QueryResultRow>(
  on: Queryable,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  if (!isPg(on)) return rows<Row>(on, text, values);
  const statement = { name: nameOf(text), text, values: [...values], types: ownTypes };
  try {
    return (await on.query<Row>(statement)).rows;
  } catch (error) {
    throw translateAll(error);
  }
}
