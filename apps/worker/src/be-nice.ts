import { readdir, readFile, writeFile } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';
import process from 'node:process';

/**
 * Lets everything else on this machine go first. Of a process, Linux would lower the thread that asks and leave V8's as
 * they are, and it counts niceness only among processes of one session (`autogroup` in sched(7)): so every thread is
 * lowered, and the session where it is ours alone. In a control group with shares of its own it is those that count.
 *
 * @param niceness 0 to 19; whoever was started with more keeps it
 * @throws what the system says where it is not allowed
 */
export async function beNice(niceness: number): Promise<void> {
  if (niceness <= getPriority()) return;
  setPriority(niceness);
  if (process.platform !== 'linux') return;
  for (const thread of await readdir('/proc/self/task')) setPriority(Number(thread), niceness);
  // Older kernels, and those that were built without, have no such file.
  if (await leadsItsSession()) await writeFile('/proc/self/autogroup', String(niceness)).catch(() => {});
}

/** Whoever was started from a shell shares its session with all that is started there. */
async function leadsItsSession(): Promise<boolean> {
  const stat = await readFile('/proc/self/stat', 'utf8');
  // Behind the name, which may hold anything: state, parent, process group, session.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3] === String(process.pid);
}
