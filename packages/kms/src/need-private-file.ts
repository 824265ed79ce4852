import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { KmsError } from './kms-error.ts';
import { type Mount, mountOf } from './mounts.ts';

/** Where everybody on a machine may go, also where it lies in memory. */
const shared = new Set(['/', '/tmp', '/var/tmp', '/dev/shm', '/run', '/run/lock']);
const inMemory = new Set(['tmpfs', 'ramfs']);

const groupRead = 0o040;
const othersRead = 0o004;
const groupOrOthersWrite = 0o022;

/**
 * Refuses a key file that others than this process can read. Asks the open file, not the path: what is judged is what
 * is read, wherever a symbolic link (as in the volumes of Kubernetes) points to.
 *
 * - Only its owner can read it: fine, wherever it lies.
 * - Its group too, and it is one of this process: fine. So Kubernetes mounts a secret for an `fsGroup`.
 * - Everybody: only as container platforms mount a secret, on a file system of its own that is in memory or read-only.
 *
 * What its group or others may write is refused, unless the mount is read-only.
 *
 * @throws KmsError `DENIED`, `INVALID_URI` when it is no file
 */
export async function needPrivateFile(file: FileHandle, path: string, what = 'KEK file'): Promise<void> {
  const stat = await file.stat();
  if (!stat.isFile()) throw new KmsError('INVALID_URI', `${what} ${path}: ${kindOf(stat)}, not a file`);
  const { mode } = stat;
  if ((mode & 0o077) === 0) return;
  const mount = await mountOf(file.fd);
  const apart = mount !== null && !shared.has(mount.point) ? mount : null;
  const refuse = (why: string): never => {
    const octal = (mode & 0o777).toString(8).padStart(4, '0');
    throw new KmsError('DENIED', `${what} ${path}: ${why} (mode ${octal}); ${advice(path)}`);
  };

  if ((mode & groupOrOthersWrite) !== 0 && apart?.readOnly !== true)
    refuse('others than its owner can write it');
  if ((mode & othersRead) !== 0) {
    if (!isOfItsOwn(apart)) refuse('everybody can read it');
  } else if ((mode & groupRead) !== 0 && !groups().has(stat.gid)) {
    refuse(`its group (${stat.gid}), which is none of this process, can read it`);
  }
}

function isOfItsOwn(mount: Mount | null): boolean {
  return mount !== null && (mount.readOnly || inMemory.has(mount.type));
}

function groups(): ReadonlySet<number> {
  const own = process.getegid?.();
  return new Set([...(own === undefined ? [] : [own]), ...(process.getgroups?.() ?? [])]);
}

const advice = (path: string): string =>
  `chmod 600 ${path}, or 440 with a group of this process, or mount it as a secret (in memory, or read-only)`;

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return 'a folder';
  if (stat.isFIFO()) return 'a named pipe';
  if (stat.isSocket()) return 'a socket';
  return 'a device';
}
