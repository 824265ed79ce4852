import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { apiFlags, type RunningProcess, startProcess, workerFlags } from '@rekey/stack';
import { type Owner, thisFile } from './cleanup.ts';

/** The checkout whose processes are started, unless a test says another one. */
const ours = fileURLToPath(new URL('../..', import.meta.url));

type Environment = Record<string, string>;

/**
 * Many tests run on few cores: a worker that lets all of them go first would hardly get a turn, and one that yields to
 * whatever else the server does would be held back by other tests. Those of protection switch it on.
 */
export const forTests: Environment = { WORKER_NICENESS: '0', THROTTLE: 'off' };

/** Where `npm test` keeps compiled code: with it a process starts in half the time. */
const { NODE_COMPILE_CACHE } = process.env;
const compiled: Environment = NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };

/** The real API as a process of its own, listening on a free port; stopped at the end. */
export async function startApi(
  env: Environment,
  owner: Owner = thisFile,
  folder: string = ours,
): Promise<RunningProcess & { url: string }> {
  const api = startApp('api', { HOST: '127.0.0.1', PORT: '0', ...env }, '"msg":"listening"', owner, folder);
  return { ...api, url: listeningUrl(await api.ready) };
}

/** The real worker as a process of its own, ready for jobs; stopped at the end. */
export async function startWorker(
  env: Environment,
  owner: Owner = thisFile,
  folder: string = ours,
): Promise<RunningProcess> {
  const worker = startApp('worker', { ...forTests, ...env }, '"msg":"worker ready"', owner, folder);
  await worker.ready;
  return worker;
}

function startApp(
  name: 'api' | 'worker',
  env: Environment,
  readyLine: string,
  owner: Owner,
  folder: string,
): RunningProcess {
  const entry = join(folder, `apps/${name}/src/main.ts`);
  const app = startProcess({
    name,
    entry,
    env: { ...compiled, ...env },
    readyLine,
    flags: name === 'worker' ? workerFlags : apiFlags,
  });
  owner.after(async () => {
    await app.stop();
  });
  return app;
}

function listeningUrl(line: string): string {
  const entry: unknown = JSON.parse(line);
  if (typeof entry !== 'object' || entry === null || !('url' in entry) || typeof entry.url !== 'string')
    throw new Error(`The API said it listens, but not where: ${line}`);
  return entry.url;
}
