import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { LogLevel } from '@rekey/runtime';
import { apiFlags, type DatabaseUrls, type RunningProcess, startProcess, workerFlags } from '@rekey/stack';
import { DemoError } from './demo-error.ts';
import { isShown, type LogLine, parseLogLine } from './log-lines.ts';

const workerCount = 2;

/** A worker that ends sooner than this after its start is not started again: something is wrong with it. */
const workerLivesAtLeastMs = 5_000;
const restartPauseMs = 500;

export interface ProcessesOptions {
  readonly databaseUrls: Pick<DatabaseUrls, 'api' | 'worker'>;
  readonly redisUrl: string;
  readonly queuePrefix: string;
  readonly kekUri: string;
  /** With what workers sign certificates; without one they sign none. */
  readonly signingKeyUri?: string;
  readonly jwtSecret: string;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly logLevel: LogLevel;
  /** More variables for each of them, such as WORKER_CONCURRENCY. */
  readonly env: Readonly<Record<string, string>>;
  /** Start a worker again that ended by itself; otherwise that is an end of everything, like the API's. */
  readonly restartWorkers: boolean;
  readonly onLog: (process: string, line: LogLine) => void;
}

export interface Processes {
  readonly apiUrl: string;
  /** Who runs at the moment, e.g. `API 4711`. */
  running(): string[];
  /** Never resolves; rejects with `PROCESS_ENDED` when one has ended that should not have. */
  readonly ended: Promise<never>;
}

/**
 * Starts one API and two workers as processes of their own; resolves when a rotate call can succeed. They stop when
 * `cleanup` is disposed of, started or still starting: the API first, so that no call comes in that nobody would work
 * on; then the workers.
 */
export async function startProcesses(
  options: ProcessesOptions,
  cleanup: AsyncDisposableStack,
): Promise<Processes> {
  const { host, port, jwtSecret, kekUri, signingKeyUri, onLog, databaseUrls } = options;
  const keys = {
    KEK_URI: kekUri,
    ...(signingKeyUri === undefined ? {} : { SIGNING_KEY_URI: signingKeyUri }),
  };
  const env = {
    ...options.env,
    REDIS_URL: options.redisUrl,
    QUEUE_PREFIX: options.queuePrefix,
    // They say at this level that they are ready; what a person gets to see is chosen from their lines.
    LOG_LEVEL: options.logLevel === 'debug' ? 'debug' : 'info',
  };
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => {}); // also before anyone waits for it
  const running = new Map<string, RunningProcess>();
  const pids = new Map<string, number>();
  let stopping = false;

  const run = async (name: string, app: App, variables: Record<string, string>): Promise<string> => {
    const child = startProcess({
      name,
      entry: app.entry,
      flags: app.flags,
      env: { ...env, ...variables },
      readyLine: app.readyLine,
      onLine: (line) => onLog(name, parseLogLine(line)),
    });
    running.set(name, child);
    const readyLine = await child.ready;
    pids.set(name, await child.pid);
    return readyLine;
  };

  const watch = async (name: string, startedAt: number, again?: () => Promise<void>): Promise<void> => {
    const child = running.get(name);
    if (child === undefined) return;
    const { code, signal } = await child.exited;
    pids.delete(name);
    if (stopping) return;
    const how = signal === null ? `with code ${code}` : `by ${signal}`;
    if (again === undefined || performance.now() - startedAt < workerLivesAtLeastMs) {
      ended.reject(new DemoError('PROCESS_ENDED', `${name} ended by itself (${how}).${lastWords(child)}`));
      return;
    }
    onLog(name, { level: 'error', text: `ended by itself (${how}); starting it again` });
    await sleep(restartPauseMs);
    if (!stopping) await again();
  };

  const startWorker = async (name: string): Promise<void> => {
    const startedAt = performance.now();
    await run(name, worker, { DATABASE_URL: databaseUrls.worker, ...keys });
    const again = (): Promise<void> => startWorker(name).catch(ended.reject);
    void watch(name, startedAt, options.restartWorkers ? again : undefined);
  };

  const startApi = async (): Promise<string> => {
    const startedAt = performance.now();
    const line = await run('API', api, {
      DATABASE_URL: databaseUrls.api,
      HOST: host,
      PORT: String(port),
      JWT_SECRET: jwtSecret,
    });
    void watch('API', startedAt);
    return listeningUrl(line);
  };

  cleanup.defer(async () => {
    stopping = true;
    await running.get('API')?.stop();
    await Promise.all([...running.values()].map((child) => child.stop()));
  });

  const workers = Array.from({ length: workerCount }, (_, number) => startWorker(`worker ${number + 1}`));
  const [apiUrl] = await Promise.all([startApi(), ...workers]);
  return {
    apiUrl,
    running: () => [...pids].sort(byName).map(([name, pid]) => `${name} ${pid}`),
    ended: ended.promise,
  };
}

interface App {
  readonly entry: string;
  readonly flags: readonly string[];
  readonly readyLine: string;
}

const api: App = { entry: entryOf('api'), flags: apiFlags, readyLine: '"msg":"listening"' };
const worker: App = {
  entry: entryOf('worker'),
  flags: workerFlags,
  readyLine: '"msg":"worker ready"',
};

function entryOf(app: 'api' | 'worker'): string {
  return fileURLToPath(new URL(`../../${app}/src/main.ts`, import.meta.url));
}

function listeningUrl(line: string): string {
  const entry: unknown = JSON.parse(line);
  if (typeof entry === 'object' && entry !== null && 'url' in entry && typeof entry.url === 'string')
    return entry.url;
  throw new DemoError('PROCESS_ENDED', `The API said that it listens, but not where: ${line}`);
}

/** What it complained of last: its warnings, its errors, the trace of its crash. */
function lastWords(child: RunningProcess): string {
  const complaints = child
    .logs()
    .split('\n')
    .filter((line) => line !== '' && isShown(parseLogLine(line).level, 'warn'));
  return complaints.length === 0 ? '' : ` Its last words:\n${complaints.slice(-10).join('\n')}`;
}

function byName([a]: [string, number], [b]: [string, number]): number {
  return a < b ? -1 : 1;
}
