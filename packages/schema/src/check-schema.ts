import { type Queryable, rows, StoreError } from '@rekey/db';
import { functions, migrations } from './program-files.ts';
import { alreadyRan, changedFunctions, ranHere } from './what-ran.ts';

/**
 * Resolves when this program can work on the schema that is there: every migration of its own has run, no migration
 * that it does not know is marked as breaking, and every function is there, of this version or a later one.
 *
 * @throws StoreError `SCHEMA_MISSING` when nothing has run there, `SCHEMA_OUTDATED` when either is older than the other
 */
export async function checkSchema(on: Queryable): Promise<void> {
  const known = await migrations();
  const ran = await ranHere(on);
  if (ran.size === 0) throw new StoreError('SCHEMA_MISSING', 'No migration has run there: npm run migrate');
  const missing = known.find((migration) => !alreadyRan(ran, migration));
  if (missing !== undefined)
    throw new StoreError('SCHEMA_OUTDATED', `Migration ${missing.name} has not run: npm run migrate`);

  const names = new Set(known.map(({ name }) => name));
  const breaking = await rows<{ name: string }>(
    on,
    'select name from rekey.migrations where breaking order by name',
  );
  const unknown = breaking.find(({ name }) => !names.has(name));
  if (unknown !== undefined)
    throw new StoreError(
      'SCHEMA_OUTDATED',
      `Migration ${unknown.name} has run, which this version does not know and must not work with: update it`,
    );
  const [changed] = await changedFunctions(on, await functions());
  if (changed !== undefined)
    throw new StoreError(
      'SCHEMA_OUTDATED',
      `Function ${changed.name} is of another version: npm run migrate`,
    );
}
