import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from './errors.ts';
import { freePort } from './free-port.ts';
import { type Keeper, startKeeper } from './keeper.ts';
import { logTail } from './log-tail.ts';
import { findRedis, type RedisProgram } from './redis-program.ts';
import type { Log, Server } from './servers.ts';

const READY_WITHIN_MS = 120_000;
const PORT_ATTEMPTS = 5;

type Endpoint = { port: number; password: string };

/**
 * An empty Redis of its own on 127.0.0.1, answering, with a password made for this run, keeping nothing on disk.
 * `at`: the URL of one that was stopped, which comes back (empty) at the same place.
 * Neither the server nor its folder outlives us; `stop` may be called twice.
 *
 * @throws StackError REDIS_NOT_FOUND, REDIS_FAILED (with the end of its log)
 */
export async function startRedis({ log, at }: { log?: Log; at?: string } = {}): Promise<Server> {
  const program = await findRedis(log);
  const folder = { prefix: join(tmpdir(), 'rekey-'), mode: 0o700 };
  const keeper = startKeeper({ folder, output: 'ignore' });
  try {
    for (let attempt = 1; ; attempt++) {
      const endpoint = at === undefined ? await newEndpoint() : endpointOf(at);
      const { outcome, pid } = await serve(keeper, program, endpoint);
      if (outcome === 'answering') {
        log?.(`Redis listens on port ${endpoint.port}.`);
        const url = `redis://:${endpoint.password}@127.0.0.1:${endpoint.port}`;
        return { url, pid, folder: await keeper.folder, stop: () => keeper.close() };
      }
      const tail = await logTail(join(await keeper.folder, 'log'));
      const portTaken = outcome === 'ended' && tail.includes('Address already in use');
      if (!portTaken || attempt === PORT_ATTEMPTS)
        throw new StackError('REDIS_FAILED', `Redis did not start. The end of its log:\n${tail}`);
    }
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

async function serve(keeper: Keeper, program: RedisProgram, endpoint: Endpoint) {
  const folder = await keeper.folder;
  const config = join(folder, 'redis.conf');
  await writeFile(config, configuration(folder, endpoint), { mode: 0o600 });
  const server = keeper.run({
    ...program,
    args: [config],
    cwd: folder,
    logFile: join(folder, 'log'),
    stopWith: [{ signal: 'SIGTERM', waitMs: 5_000 }],
  });
  const pid = await server.pid;
  const abort = new AbortController();
  const answering = answers(endpoint, abort.signal);
  const outcome = await Promise.race([answering, server.exited.then(() => 'ended' as const)]);
  abort.abort();
  return { outcome, pid };
}

/** In a file, as a password on the command line could be read by every user of the machine. */
function configuration(folder: string, { port, password }: Endpoint): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir ${folder}`,
    'save ""',
    'appendonly no',
    'maxmemory-policy noeviction', // a queue that forgets is no queue
    'daemonize no',
    '',
  ].join('\n');
}

async function newEndpoint(): Promise<Endpoint> {
  return { port: await freePort(), password: randomBytes(24).toString('base64url') };
}

function endpointOf(url: string): Endpoint {
  const { port, password } = new URL(url);
  return { port: Number(port), password: decodeURIComponent(password) };
}

async function answers(endpoint: Endpoint, signal: AbortSignal): Promise<'answering' | 'late'> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline && !signal.aborted) {
    if (await ping(endpoint)) return 'answering';
    await sleep(20);
  }
  return 'late';
}

/** Whether it is there, and it is ours: it knows our password. */
function ping({ port, password }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    let reply = '';
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      reply += String(chunk);
      if (reply.includes('+PONG') || reply.includes('-')) socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(reply.includes('+PONG')));
  });
}
