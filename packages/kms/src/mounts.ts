import { readFile } from 'node:fs/promises';

/** The file system that an open file lies on. */
export interface Mount {
  readonly point: string;
  readonly type: string;
  /** Nobody can write through this mount, or to the file system at all. */
  readonly readOnly: boolean;
}

/** Null where the system does not tell (it is not Linux). Asks by the open file: a path may have been moved meanwhile. */
export async function mountOf(fd: number): Promise<Mount | null> {
  try {
    const about = await readFile(`/proc/self/fdinfo/${fd}`, 'utf8');
    const id = /^mnt_id:\s*(\d+)$/m.exec(about)?.[1];
    return id === undefined ? null : parseMount(await readFile('/proc/self/mountinfo', 'utf8'), id);
  } catch {
    return null;
  }
}

/** `36 35 98:0 /root /point ro,noatime shared:1 - ext4 /dev/sda1 rw`, see proc_pid_mountinfo(5). */
function parseMount(mountInfo: string, id: string): Mount | null {
  const line = mountInfo.split('\n').find((one) => one.startsWith(`${id} `));
  const [before = '', after = ''] = line?.split(' - ') ?? [];
  const [, , , , point, options] = before.split(' ');
  const [type, , superOptions] = after.split(' ');
  if (point === undefined || options === undefined || type === undefined) return null;
  const readOnly = [options, superOptions ?? ''].some((list) => list.split(',').includes('ro'));
  return { point, type, readOnly };
}
