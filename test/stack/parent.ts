import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export type Parent = { process: ChildProcess; pids: number[]; folders: string[] };

/** Starts parent-with-children.ts (or a copy of it) and waits until all its children run. */
export async function startParent(env: NodeJS.ProcessEnv = process.env, script = SCRIPT): Promise<Parent> {
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const { pids, folders } = JSON.parse(String(line));
  return { process: child, pids, folders };
}

const SCRIPT = fileURLToPath(new URL('./parent-with-children.ts', import.meta.url));

/** True when every child is gone and every run folder removed. */
export function nothingIsLeft({ pids, folders }: Pick<Parent, 'pids' | 'folders'>): boolean {
  return !pids.some(isAlive) && !folders.some((folder) => existsSync(folder));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
