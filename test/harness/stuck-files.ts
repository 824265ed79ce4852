import { execFileSync } from 'node:child_process';
import type { TestEvent } from 'node:test/reporters';

/** Beyond what `--test-timeout` gives a file, and again beyond its being killed. */
const GRACE_MS = Number(process.env.TEST_STUCK_GRACE_MS ?? 30_000);
/** Of several the last one holds, as for Node. No timeout, no watch. */
const [, timeoutMs] = [...process.execArgv.join(' ').matchAll(/--test-timeout=(\d+)/g)].at(-1) ?? [];

/**
 * Takes the events of a run. `--test-timeout` ends a file by SIGTERM, and then waits for as long as somebody holds its output: a
 * file that loops, or has left a process behind, would hold up the run for ever, and nobody would know which it was. Such a
 * file is named, and killed with all that it started, and the run goes on and fails; where that does not help, or there is no
 * `ps`, the run ends there.
 */
export function endStuckFiles(): (event: TestEvent) => void {
  const open = new Map<string, NodeJS.Timeout>();
  const end = (file: string) => {
    process.stderr.write(`stuck: ${file} does not end, and is killed\n`);
    killWithAllItStarted(file);
    open.set(
      file,
      setTimeout(() => {
        process.stderr.write(`stuck: ${file} is still there, and the run ends here\n`);
        process.exit(1);
      }, GRACE_MS),
    );
  };
  return ({ type, data }) => {
    const file = fileOf(data);
    if (file === null || timeoutMs === undefined) return;
    if (type === 'test:dequeue') open.set(file, setTimeout(end, Number(timeoutMs) + GRACE_MS, file));
    if (type === 'test:complete') clearTimeout(open.get(file));
  };
}

/** Of the event of a whole file, which is named by its path: its name. */
function fileOf(data: unknown): string | null {
  const { name, file, nesting } = data as { name?: string; file?: string; nesting?: number };
  return nesting === 0 && name !== undefined && file?.endsWith(`/${name}`) ? name : null;
}

function killWithAllItStarted(file: string): void {
  const processes = allProcesses();
  const below = (parent: number): number[] =>
    processes.filter((found) => found.parent === parent).flatMap(({ pid }) => [...below(pid), pid]);
  for (const { pid, parent, command } of processes)
    if (parent === process.pid && command.endsWith(file))
      for (const found of [...below(pid), pid])
        try {
          process.kill(found, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
}

/** None where there is no `ps`. */
function allProcesses(): { pid: number; parent: number; command: string }[] {
  try {
    return execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 2 ** 26 })
      .split('\n')
      .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [])
      .map(([, pid, parent, command = '']) => ({ pid: Number(pid), parent: Number(parent), command }));
  } catch {
    return [];
  }
}
