import { randomBytes } from 'node:crypto';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { StackError } from './errors.ts';
import { freePort } from './free-port.ts';
import { type Keeper, startKeeper } from './keeper.ts';
import type { Command } from './keeper-protocol.ts';
import { logTail } from './log-tail.ts';
import { placePostgres } from './postgres-programs.ts';
import { postgresUser, runFolderPrefix, type SystemUser } from './run-folder.ts';
import type { Log, Server } from './servers.ts';

const READY_WITHIN_MS = 120_000;
const PORT_ATTEMPTS = 5;
const SUPERUSER = 'postgres';

/** Durable as in production (fsync and synchronous_commit stay on: that is part of what we show and measure). */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  max_prepared_transactions: '20',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  fsync: 'on',
  synchronous_commit: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/** SIGINT: disconnect everyone, checkpoint, end. SIGQUIT: end without the checkpoint. */
const STOP_WITH: Command['stopWith'] = [
  { signal: 'SIGINT', waitMs: 10_000 },
  { signal: 'SIGQUIT', waitMs: 3_000 },
];

/** Settings by the names that Postgres gives them. */
export type PostgresSettings = Readonly<Record<string, string>>;

/** Paths of another Postgres' programs than ours; the user that the server runs as must be able to read them. */
export type PostgresPrograms = { readonly initdb: string; readonly postgres: string };

type Cluster = {
  keeper: Keeper;
  programs: PostgresPrograms;
  data: string;
  logFile: string;
  password: string;
  user: SystemUser | undefined;
  settings: PostgresSettings;
};

/** `fast`: everybody is disconnected and all is written down; `immediate`: as if the power had failed. */
const RESTART_WITH = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const satisfies Record<
  string,
  NodeJS.Signals
>;

export type PostgresServer = Server & {
  /**
   * Stops it, and starts it again at the same place and with its data after `downMs`. One at a time.
   *
   * @throws StackError POSTGRES_FAILED
   */
  restart(how: keyof typeof RESTART_WITH, downMs: number): Promise<void>;
};

/**
 * An empty Postgres cluster of its own on 127.0.0.1, accepting connections, with a password made for this run.
 * `url` is the superuser's. Neither the server nor its folder outlives us; `stop` may be called twice. `settings` take
 * the place of ours, and so do `programs`, whose release may be another one.
 *
 * @throws StackError POSTGRES_NOT_INSTALLED, POSTGRES_FAILED (with the end of its log)
 */
export async function startPostgres({
  log,
  settings = {},
  programs,
}: {
  log?: Log;
  settings?: PostgresSettings;
  programs?: PostgresPrograms;
} = {}): Promise<PostgresServer> {
  const user = postgresUser();
  const mode = user === undefined ? 0o700 : 0o711;
  const keeper = startKeeper({ folder: { prefix: runFolderPrefix(user), mode }, output: 'ignore' });
  try {
    const cluster = await createCluster(keeper, user, settings, programs);
    let serving = await serve(cluster);
    const { port } = serving;
    log?.(`Postgres listens on port ${port}.`);
    return {
      url: clusterUrl(port, cluster.password),
      get pid() {
        return serving.pid;
      },
      folder: await keeper.folder,
      stop: () => keeper.close(),
      async restart(how, downMs) {
        keeper.kill(RESTART_WITH[how]);
        await serving.exited;
        await sleep(downMs);
        serving = await serve(cluster, port);
      },
    };
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

async function createCluster(
  keeper: Keeper,
  user: SystemUser | undefined,
  settings: PostgresSettings,
  others: PostgresPrograms | undefined,
): Promise<Cluster> {
  const folder = await keeper.folder;
  const programs = others ?? ours(join(folder, 'native'));

  const password = randomBytes(24).toString('base64url');
  const passwordFile = join(folder, 'password');
  const data = join(folder, 'data');
  await writeFile(passwordFile, password, { mode: 0o600 });
  await mkdir(data, { mode: 0o700 });
  if (user !== undefined) {
    await chown(passwordFile, user.uid, user.gid);
    await chown(data, user.uid, user.gid);
  }

  const cluster = { keeper, programs, data, logFile: join(folder, 'log'), password, user, settings };
  const initdb = keeper.run({
    ...command(cluster, 'initdb'),
    args: [
      `--pgdata=${data}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      ...(others === undefined ? ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : []), // since 17
      '--no-instructions',
      '--no-sync', // the cluster is thrown away with the machine's next crash anyhow; its commits are synced
    ],
    stopWith: [],
  });
  await initdb.pid;
  const { code } = await initdb.exited;
  await rm(passwordFile);
  if (code !== 0) throw await failed('Postgres could not make its data folder', cluster);
  return cluster;
}

async function serve(
  cluster: Cluster,
  at?: number,
): Promise<{ port: number; pid: number; exited: Promise<unknown> }> {
  for (let attempt = 1; ; attempt++) {
    const port = at ?? (await freePort());
    const settings = Object.entries({ ...SETTINGS, ...cluster.settings, port });
    const server = cluster.keeper.run({
      ...command(cluster, 'postgres'),
      args: ['-D', cluster.data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      stopWith: STOP_WITH,
    });
    const pid = await server.pid;
    const abort = new AbortController();
    const accepting = acceptsConnections(clusterUrl(port, cluster.password), abort.signal);
    const outcome = await Promise.race([accepting, server.exited.then(() => 'ended' as const)]);
    abort.abort();
    if (outcome === 'accepting') return { port, pid, exited: server.exited };

    const portTaken =
      outcome === 'ended' && (await logTail(cluster.logFile)).includes('Address already in use');
    if (!portTaken || attempt === PORT_ATTEMPTS) throw await failed('Postgres did not start', cluster);
  }
}

async function acceptsConnections(url: string, signal: AbortSignal): Promise<'accepting' | 'late'> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline && !signal.aborted) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return 'accepting';
    } catch {
      await sleep(20);
    }
  }
  return 'late';
}

function ours(native: string): PostgresPrograms {
  placePostgres(native);
  return { initdb: join(native, 'bin/initdb'), postgres: join(native, 'bin/postgres') };
}

function command(cluster: Cluster, program: keyof PostgresPrograms): Omit<Command, 'args' | 'stopWith'> {
  return {
    file: cluster.programs[program],
    cwd: cluster.data,
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' }, // nothing of ours: PGDATA and the like would count
    logFile: cluster.logFile,
    ...(cluster.user !== undefined && { user: cluster.user }),
  };
}

async function failed(what: string, cluster: Cluster): Promise<StackError> {
  return new StackError('POSTGRES_FAILED', `${what}. The end of its log:\n${await logTail(cluster.logFile)}`);
}

function clusterUrl(port: number, password: string): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
}
