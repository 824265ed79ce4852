import { type Queryable, rows, StoreError } from '@rekey/db';
import { functionsRevision, type Migration, type ProgramFile } from './program-files.ts';

/** Those that have not run here. Throws `SCHEMA_OUTDATED` for one that ran with another text. */
export async function pendingMigrations(on: Queryable, all: readonly Migration[]): Promise<Migration[]> {
  const ran = await ranHere(on);
  return all.filter((migration) => !alreadyRan(ran, migration));
}

/** Those whose text here is another one, or that are not here; none where a newer version's are. */
export async function changedFunctions(on: Queryable, all: readonly ProgramFile[]): Promise<ProgramFile[]> {
  const found = await rows<{ name: string; sha256: string; revision: number }>(
    on,
    'select name, sha256, revision from rekey.functions',
  );
  if (found.some(({ revision }) => revision > functionsRevision)) return [];
  const here = new Map(found.map(({ name, sha256 }) => [name, sha256]));
  return all.filter(({ name, sha256 }) => here.get(name) !== sha256);
}

/** By name; nothing where no migration has ever run. */
export async function ranHere(on: Queryable): Promise<Map<string, string>> {
  const [there] = await rows<{ there: boolean }>(
    on,
    `select to_regclass('rekey.migrations') is not null as there`,
  );
  if (there?.there !== true) return new Map();
  const found = await rows<{ name: string; sha256: string }>(on, 'select name, sha256 from rekey.migrations');
  return new Map(found.map(({ name, sha256 }) => [name, sha256]));
}

/** Whether any migration has ever run here. */
export async function isInstalled(on: Queryable): Promise<boolean> {
  return (await ranHere(on)).size > 0;
}

export function alreadyRan(ran: ReadonlyMap<string, string>, { name, sha256 }: ProgramFile): boolean {
  const before = ran.get(name);
  if (before !== undefined && before !== sha256) {
    throw new StoreError(
      'SCHEMA_OUTDATED',
      `Migration ${name} ran here with another text: it must not be edited`,
    );
  }
  return before !== undefined;
}

/** Whether all that is there is this version's, and all of it: during an upgrade it is not, by design. */
export async function isOfThisVersion(
  on: Queryable,
  known: readonly Migration[],
  functions: readonly ProgramFile[],
): Promise<boolean> {
  const ran = await ranHere(on);
  if (ran.size !== known.length || !known.every((migration) => alreadyRan(ran, migration))) return false;
  const [newer] = await rows<{ name: string }>(
    on,
    'select name from rekey.functions where revision > $1 limit 1',
    [functionsRevision],
  );
  return newer === undefined && (await changedFunctions(on, functions)).length === 0;
}
