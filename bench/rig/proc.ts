import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';

/** What Linux counts of a process in `/proc`; null elsewhere, and when the process is gone. */
export async function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number | null> {
  const status = await readOr(`/proc/${pid}/status`, '');
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
  return kib === undefined ? null : Number(kib) * 1_024;
}

/** Of `USER_HZ`, which is 100 on every architecture that Node runs on. */
const tickMs = 10;

/** CPU time that a process took so far, all of its threads, in milliseconds; null as above. */
export async function cpuMsOf(pid: number): Promise<number | null> {
  const stat = await readOr(`/proc/${pid}/stat`, '');
  // Its name, in parentheses, may hold anything.
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return user === undefined || system === undefined ? null : (user + system) * tickMs;
}

/** What all of the machine's cores did so far, in milliseconds. */
export function machineCpuMs(): { readonly busy: number; readonly idle: number } {
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busy, idle };
}

async function readOr(path: string, otherwise: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => otherwise);
}
