import { chmod, cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../packages/stack/src/free-port.ts';
import { startKeeper } from '../../packages/stack/src/keeper.ts';
import { postgresUser } from '../../packages/stack/src/run-folder.ts';
import { type Owner, thisFile } from './cleanup.ts';
import { tool } from './tool.ts';
import { until } from './wait.ts';

const pgbouncer = await tool('pgbouncer');

/** For the options of a test that starts one. */
export const skipWithoutPgbouncer = pgbouncer.skip;

/**
 * A PgBouncer before the server of `databaseUrl`; returns the URL of the same database through it. `settings` are lines
 * of its `[pgbouncer]` section.
 */
export async function startPgbouncer(
  databaseUrl: string,
  mode: 'session' | 'transaction' | 'statement',
  settings: readonly string[] = [],
  owner: Owner = thisFile,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-bouncer-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755); // another user than ours reads it
  const url = new URL(databaseUrl);
  const port = await freePort();
  const users = join(folder, 'users');
  await writeFile(users, `"${url.username}" "${decodeURIComponent(url.password)}"\n`, { mode: 0o644 });
  const ini = join(folder, 'ini');
  await writeFile(
    ini,
    [
      '[databases]',
      `* = host=${url.hostname} port=${url.port}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${users}`,
      `pool_mode = ${mode}`,
      'max_client_conn = 200',
      ...settings,
    ].join('\n'),
    { mode: 0o644 },
  );
  // A copy: the user it runs as may not enter the place where tools are kept.
  await cp(join(pgbouncer.programs.pgbouncer, '../..'), join(folder, 'tool'), {
    recursive: true,
    verbatimSymlinks: true,
  });
  const user = postgresUser();
  const keeper = startKeeper({ output: 'ignore' });
  owner.after(() => keeper.close([{ signal: 'SIGINT', waitMs: 3_000 }]));
  keeper.run({
    file: join(folder, 'tool/bin/pgbouncer'),
    args: [ini],
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    stopWith: [{ signal: 'SIGINT', waitMs: 3_000 }],
    ...(user === undefined ? {} : { user }),
  });
  url.port = String(port);
  await until(() => answers(url.href), { what: 'PgBouncer answers' });
  return url.href;
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
