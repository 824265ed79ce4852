import { chmod, chown, cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PostgresServer } from '@rekey/stack';
import { Client } from 'pg';
import { freePort } from '../../packages/stack/src/free-port.ts';
import { startKeeper } from '../../packages/stack/src/keeper.ts';
import { postgresUser, runFolderPrefix } from '../../packages/stack/src/run-folder.ts';
import { type Owner, thisFile } from './cleanup.ts';
import { until } from './wait.ts';

export interface StandbyServer {
  /** A superuser's, on the same database as the primary's. */
  readonly url: string;
}

/**
 * A streaming standby of a Postgres that `startPostgres` made, under that name; its data is copied while the primary runs.
 * `settings` are the standby's own, such as `recovery_min_apply_delay`.
 */
export async function startStandby(
  primary: PostgresServer,
  name: string,
  settings: Readonly<Record<string, string>> = {},
  owner: Owner = thisFile,
): Promise<StandbyServer> {
  const user = postgresUser();
  const keeper = startKeeper({
    folder: { prefix: runFolderPrefix(user), mode: user === undefined ? 0o700 : 0o711 },
    output: 'ignore',
  });
  owner.after(() => keeper.close());
  const folder = await keeper.folder;
  const data = join(folder, 'data');
  await copyWhileItRuns(primary, data);
  const { port: primaryPort, password } = new URL(primary.url);
  const port = await freePort();
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    shared_buffers: '32MB',
    max_connections: '200',
    max_prepared_transactions: '20',
    primary_conninfo: `host=127.0.0.1 port=${primaryPort} user=postgres password=${password} application_name=${name}`,
    ...settings,
  };
  await writeFile(join(data, 'standby.signal'), '');
  if (user !== undefined)
    for (const path of ['', ...(await readdir(data, { recursive: true }))])
      await chown(join(data, path), user.uid, user.gid);
  await chmod(data, 0o700);
  const server = keeper.run({
    file: join(primary.folder, 'native', 'bin', 'postgres'),
    args: ['-D', data, ...Object.entries(all).flatMap(([setting, value]) => ['-c', `${setting}=${value}`])],
    cwd: data,
    env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' },
    logFile: join(folder, 'log'),
    ...(user === undefined ? {} : { user }),
    stopWith: [{ signal: 'SIGQUIT', waitMs: 10_000 }],
  });
  await server.pid;
  const url = new URL(primary.url);
  url.port = String(port);
  const log = (): Promise<string> => readFile(join(folder, 'log'), 'utf8');
  await until(() => answers(url.href), { what: `the standby ${name} answers` }).catch(async (error) => {
    throw new Error(`${error instanceof Error ? error.message : ''}\n${await log()}`);
  });
  return { url: url.href };
}

async function copyWhileItRuns(primary: PostgresServer, data: string): Promise<void> {
  const client = new Client({ connectionString: primary.url });
  await client.connect();
  try {
    await client.query("select pg_backup_start('standby', true)");
    // What comes and goes meanwhile is mended by the WAL of the backup.
    await cp(join(primary.folder, 'data'), data, {
      recursive: true,
      errorOnExist: false,
      filter: (path) => !/\/(postmaster\.pid|pg_replslot\/.+|pgsql_tmp.*)$/.test(path),
    });
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)');
    await writeFile(join(data, 'backup_label'), rows[0]?.labelfile ?? '');
  } finally {
    await client.end();
  }
  await rm(join(data, 'postmaster.pid'), { force: true });
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  await client.connect();
  await client.end();
  return true;
}
