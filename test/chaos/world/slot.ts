import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Exit, type RunningProcess, startProcess, workerFlags } from '@rekey/stack';
import type { History } from '../history.ts';
import type { Link } from '../proxy/link.ts';

/** A place for a process of ours, with its own links to the servers; filled again whenever the process ends. */
export interface Slot {
  readonly name: string;
  readonly role: 'worker' | 'api';
  /** Whether it takes orders over the control port. */
  readonly controlled: boolean;
  readonly postgres: Link;
  readonly redis: Link;
  /** Where the process in it answers HTTP; empty while there is none. */
  url(): string;
  pid(): number | null;
  /** Whether the process that is in it now comes to take work; false when there is none at the moment. */
  ready(): Promise<boolean>;
  kill(signal: NodeJS.Signals): void;
  /** The end of the process that is in it now. */
  exited(): Promise<Exit>;
  /** The environment of the processes to come, besides the usual. */
  setEnv(env: Record<string, string>): void;
  /** What the process holds, by the kernel: null while there is none. */
  usage(): { readonly fds: number; readonly rssMb: number } | null;
  /** Bytes and words of everything it wrote are handed to the listener. */
  stop(): Promise<void>;
}

export interface SlotOptions {
  readonly name: string;
  readonly role: 'worker' | 'api';
  readonly controlled: boolean;
  readonly env: Record<string, string>;
  readonly postgres: Link;
  readonly redis: Link;
  readonly history: History;
  readonly onLine: (line: string) => void;
}

const entries = {
  worker: fileURLToPath(new URL('../../../apps/worker/src/main.ts', import.meta.url)),
  api: fileURLToPath(new URL('../../../apps/api/src/main.ts', import.meta.url)),
  controlled: fileURLToPath(new URL('./faulty-worker-main.ts', import.meta.url)),
};
const respawnMs = 300;
/** Longer than all the faults that a process may meet while it starts: given up, it would be taken for dead for ever. */
const readyWithinMs = 600_000;

export function openSlot(options: SlotOptions): Slot {
  const { name, role, controlled, postgres, redis, history, onLine } = options;
  let extraEnv: Record<string, string> = {};
  let stopped = false;
  let url = '';
  let pid: number | null = null;
  let running: RunningProcess;
  let ended = false;

  const begin = (): void => {
    ended = false;
    running = startProcess({
      name,
      entry: controlled ? entries.controlled : entries[role],
      flags: role === 'worker' ? workerFlags : [],
      env: { ...options.env, DATABASE_URL: postgres.url, REDIS_URL: redis.url, ...extraEnv },
      readyLine: role === 'api' ? '"msg":"listening"' : '"msg":"worker ready"',
      readyWithinMs,
      onLine,
    });
    const mine = running;
    mine.pid.then(
      (own) => {
        if (mine === running) pid = own;
      },
      () => {},
    );
    mine.ready.then(
      (line) => {
        history.add({ t: 'process', name, what: 'ready', at: history.now() });
        url = /"url":"([^"]+)"/.exec(line)?.[1] ?? '';
      },
      () => {},
    );
    void mine.exited.then(async ({ code, signal }) => {
      history.add({ t: 'process', name, what: `ended ${signal ?? code}`, at: history.now() });
      url = '';
      pid = null;
      ended = true;
      await sleep(respawnMs);
      if (!stopped) begin();
    });
  };
  begin();

  return {
    name,
    role,
    controlled,
    postgres,
    redis,
    url: () => url,
    pid: () => pid,
    async ready() {
      const asked = running;
      const came = await asked.ready.then(
        () => true,
        () => false,
      );
      // A process that was ready once may have ended since, and another one may be on its way.
      return came && asked === running && !ended;
    },
    kill: (signal) => running.kill(signal),
    exited: () => running.exited,
    setEnv(env) {
      extraEnv = env;
    },
    usage: () => (pid === null ? null : usageOf(pid)),
    async stop() {
      stopped = true;
      running.kill('SIGCONT');
      await running.stop(6_000);
      await Promise.all([postgres.close(), redis.close()]);
    },
  };
}

function usageOf(pid: number): { fds: number; rssMb: number } | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kb = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
    return { fds: readdirSync(`/proc/${pid}/fd`).length, rssMb: Math.round(kb / 1024) };
  } catch {
    return null; // it ended a moment ago
  }
}
