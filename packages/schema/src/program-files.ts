import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';

/** A file of SQL that this program brings. */
export interface ProgramFile {
  readonly name: string;
  readonly sql: string;
  readonly sha256: string;
}

/**
 * A file of `migrations/`, run once. Lines at its beginning say what is special about it:
 *
 * - `-- rekey: breaking`: processes of versions that do not know it must not work on this schema any more.
 * - `-- rekey: outside a transaction`: its statements, each ended by a line `-- next`, run one by one, each committed
 *   by itself (`CREATE INDEX CONCURRENTLY`). Whatever stands in it must bear being run again after a crash.
 */
export interface Migration extends ProgramFile {
  readonly isBreaking: boolean;
  /** The statements of a migration that runs outside a transaction; null: it runs inside one. */
  readonly statements: readonly string[] | null;
}

/** @param folder of this program when absent */
export async function migrations(folder = new URL('../migrations/', import.meta.url)): Promise<Migration[]> {
  return (await sqlFiles(folder)).map((file) => {
    const directives = new Set(
      [...file.sql.matchAll(/^-- rekey: (.*)$/gm)].map(([, directive]) => directive),
    );
    return {
      ...file,
      isBreaking: directives.has('breaking'),
      statements: directives.has('outside a transaction') ? file.sql.split(/^-- next$/m) : null,
    };
  });
}

/**
 * Of the functions together; to be raised by every release that changes one of them. A migrator replaces functions of its
 * own revision or an older one, never a newer one's: during an upgrade old processes may still be started.
 */
export const functionsRevision = 13;

/** The files of `functions/`: one function each, replaced whenever its text has changed. */
export function functions(): Promise<ProgramFile[]> {
  return sqlFiles(new URL('../functions/', import.meta.url));
}

async function sqlFiles(folder: URL): Promise<ProgramFile[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name) => {
      const sql = await readFile(new URL(name, folder), 'utf8');
      return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}
