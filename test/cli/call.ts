import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const program = fileURLToPath(new URL('../../apps/cli/src/main.mjs', import.meta.url));

export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly ended: Promise<Said>;
  /** What it has written so far. */
  out(): string;
  kill(signal: NodeJS.Signals): void;
}

export type Env = Readonly<Record<string, string>>;

/** Without whatever this machine has set for it. */
export function environment(env: Env): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(REKEY_|NO_COLOR$|FORCE_COLOR$)/.test(name));
  return { ...Object.fromEntries(kept), ...env };
}

/** What somebody types, once they were asked for it: before that a terminal may still be in another mode, and swallow it. */
export interface Typed {
  readonly when: RegExp;
  readonly text: string;
}

export function start(file: string, args: readonly string[], env: Env, input?: string | Typed): Running {
  const child = spawn(file, args, {
    env: environment(env),
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  let waiting = typeof input === 'string' ? undefined : input;
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    if (waiting?.when.test(out) === true) {
      child.stdin?.write(waiting.text);
      waiting = undefined;
    }
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  if (typeof input === 'string') child.stdin?.end(input);
  const ended = new Promise<Said>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
  return { ended, out: () => out, kill: (signal) => void child.kill(signal) };
}

/** `rekey …` without a terminal, as scripts call it. */
export const call = (env: Env, ...args: string[]): Promise<Said> =>
  start(process.execPath, [program, ...args], env).ended;
