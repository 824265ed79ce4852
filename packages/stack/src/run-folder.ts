import { readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export type SystemUser = { uid: number; gid: number };

/** Who runs Postgres: we ourselves (undefined), or, as it refuses root, `postgres` if there is one, else `nobody`. */
export function postgresUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const account =
    accounts.find(([name]) => name === 'postgres') ?? accounts.find(([name]) => name === 'nobody');
  return { uid: Number(account?.[2] ?? 65534), gid: Number(account?.[3] ?? 65534) };
}

/** Where the run folders lie: the temporary folder, or /tmp where the other user could not enter that one. */
export function runFolderPrefix(user: SystemUser | undefined): string {
  const folder = user === undefined || othersMayEnter(tmpdir()) ? tmpdir() : '/tmp';
  return join(folder, 'rekey-');
}

function othersMayEnter(folder: string): boolean {
  const enters = (statSync(folder).mode & 0o001) !== 0;
  return enters && (folder === dirname(folder) || othersMayEnter(dirname(folder)));
}
