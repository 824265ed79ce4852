import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type RunningProcess, startProcess, workerFlags } from '@rekey/stack';
import { type ApiClient, apiClient } from './api-client.ts';
import { cpuMsOf, machineCpuMs, memoryOf } from './proc.ts';
import type { Rig } from './rig.ts';

/** Rekey as it runs in production: an API process and worker processes, configured by environment only. */
export interface Installation {
  readonly apiUrl: string;
  readonly api: ApiClient;
  /** What all its keys in Redis begin with. */
  readonly queuePrefix: string;
  /** The most memory that any of its workers ever had, in bytes; null where the system does not tell. */
  workerRssMax(): Promise<number | null>;
  /** What the largest of its workers has now. */
  workerRss(): Promise<number | null>;
  /** Begins to watch the machine's cores; what it returns says what they did since. */
  watchCpu(): Promise<() => Promise<CpuUse>>;
  stop(): Promise<void>;
}

/** In milliseconds, over all cores; null where the system does not tell. */
export interface CpuUse {
  readonly api: number | null;
  readonly workers: number | null;
  /** Whatever else ran on the machine: Postgres, Redis, and who calls and polls. */
  readonly others: number | null;
  readonly idle: number;
}

export interface InstallationOptions {
  readonly databaseUrl: string;
  readonly workers: number;
  readonly apiEnv?: Readonly<Record<string, string>>;
  readonly workerEnv?: Readonly<Record<string, string>>;
  /** Whose programs: the folder of another checkout, or this one's. */
  readonly folder?: URL;
}

const ownFolder = new URL('../../', import.meta.url);

/** The limiter counts as ever, and never says no. */
const limits = { RATE_LIMIT_PER_MINUTE: '100000000', RATE_LIMIT_READS_PER_MINUTE: '100000000' };

export async function startInstallation(
  rig: Rig,
  { databaseUrl, workers, apiEnv = {}, workerEnv = {}, folder = ownFolder }: InstallationOptions,
): Promise<Installation> {
  rig.signal.throwIfAborted();
  const queuePrefix = `{${rig.prefix}_${randomBytes(4).toString('hex')}}`;
  const jwtSecret = randomBytes(32).toString('hex');
  const shared = { DATABASE_URL: databaseUrl, REDIS_URL: rig.redisUrl, QUEUE_PREFIX: queuePrefix };
  const port = await freePort();
  const apiUrl = `http://127.0.0.1:${port}`;
  // One line per request is what a busy API would not log either, and what the bare servers do not.
  const api = start(folder, 'api', {
    ...shared,
    ...limits,
    PORT: String(port),
    JWT_SECRET: jwtSecret,
    LOG_LEVEL: 'warn',
    ...apiEnv,
  });
  const started = Array.from({ length: workers }, () =>
    start(
      folder,
      'worker',
      { ...shared, ...cipherWanted(), KEK_URI: rig.kek.uri, ...workerEnv },
      '"msg":"worker ready"',
    ),
  );
  const stop = async (): Promise<void> => {
    await Promise.all([api, ...started].map((process) => process.stop()));
  };
  try {
    await Promise.all([answers(apiUrl, api), ...started.map((worker) => worker.ready)]);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    apiUrl,
    api: apiClient(apiUrl, jwtSecret, rig.signal),
    queuePrefix,
    workerRssMax: () => largest(started, 'VmHWM'),
    workerRss: () => largest(started, 'VmRSS'),
    watchCpu: () => watchCpu(api, started),
    stop,
  };
}

/** REKEY_CIPHER of the benchmark is that of its workers. */
function cipherWanted(): Record<string, string> {
  const { REKEY_CIPHER } = process.env;
  return REKEY_CIPHER === undefined ? {} : { REKEY_CIPHER };
}

function start(
  folder: URL,
  name: 'api' | 'worker',
  env: Record<string, string>,
  readyLine?: string,
): RunningProcess {
  const entry = fileURLToPath(new URL(`apps/${name}/src/main.ts`, folder));
  return startProcess({
    name,
    entry,
    env,
    flags: name === 'worker' ? workerFlags : [],
    ...(readyLine === undefined ? {} : { readyLine }),
  });
}

/** Above the level at which it says that it listens, so it is asked. */
async function answers(url: string, api: RunningProcess): Promise<void> {
  const ended = api.exited.then(() => {
    throw new Error(`the API ended: ${api.logs()}`);
  });
  ended.catch(() => {});
  for (let attempt = 0; attempt < 2_000; attempt += 1) {
    const alive = fetch(`${url}/livez`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (await Promise.race([alive, ended])) return;
    await sleep(30);
  }
  throw new Error(`the API does not answer: ${api.logs()}`);
}

async function largest(
  processes: readonly RunningProcess[],
  field: 'VmRSS' | 'VmHWM',
): Promise<number | null> {
  const sizes = await Promise.all(processes.map(async ({ pid }) => memoryOf(await pid, field)));
  return sizes.reduce((most, size) => (size === null ? most : Math.max(most ?? 0, size)), null);
}

async function watchCpu(
  api: RunningProcess,
  workers: readonly RunningProcess[],
): Promise<() => Promise<CpuUse>> {
  const soFar = async () => ({
    api: await cpuMsOf(await api.pid),
    workers: sumOf(await Promise.all(workers.map(async ({ pid }) => cpuMsOf(await pid)))),
    ...machineCpuMs(),
  });
  const before = await soFar();
  return async () => {
    const after = await soFar();
    const ours = {
      api: difference(after.api, before.api),
      workers: difference(after.workers, before.workers),
    };
    return {
      ...ours,
      others: difference(after.busy - before.busy, sumOf([ours.api, ours.workers])),
      idle: after.idle - before.idle,
    };
  };
}

function sumOf(values: ReadonlyArray<number | null>): number | null {
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}

function difference(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}
