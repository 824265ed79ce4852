import type { QueryResultRow } from 'pg';
import type { Queryable } from './open-store.ts';
import { speaking } from './store-error.ts';

// One per text that was ever sent: what comes here must not have values written into it.
const names = new Map<string, string>();

/**
 * One statement that every rotation runs, prepared once per connection; its rows. Postgres needs as long to parse and
 * plan one of these as to run it. Its result has named columns only: after a migration `select *` would be refused on
 * connections that prepared it before. Throws {@link StoreError}.
 */
export async function prepared<Row extends QueryResultRow>(
  on: Queryable,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  let name = names.get(text);
  if (name === undefined) {
    name = `rekey_${names.size}`;
    names.set(text, name);
  }
  const statement = { name, text, values: [...values] };
  return speaking(async () => (await on.query<Row>(statement)).rows);
}
