/** How a child ended: by a code or by a signal, as node:child_process tells it. */
export type Exit = { code: number | null; signal: NodeJS.Signals | null };

/** Send the signal, then give the child this long before the next step. After the last step comes SIGKILL. */
export type StopStep = { signal: NodeJS.Signals; waitMs: number };

export type Command = {
  file: string;
  args: string[];
  cwd?: string;
  /** The child's whole environment; absent: ours. */
  env?: Record<string, string>;
  user?: { uid: number; gid: number };
  /** stdout and stderr go here; absent: to the keeper's own. */
  logFile?: string;
  /** How the child is stopped when the keeper closes, for whatever reason. */
  stopWith: StopStep[];
};

/** From us to the keeper. */
export type Order =
  | { order: 'run'; command: Command }
  | { order: 'kill'; signal: NodeJS.Signals }
  | { order: 'close'; stopWith: StopStep[] | undefined };

/** From the keeper to us. */
export type Report =
  | { report: 'folder'; folder: string }
  | { report: 'started'; pid: number }
  | { report: 'failed'; message: string }
  | { report: 'exited'; exit: Exit };
