import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../packages/stack/src/free-port.ts';
import { startKeeper } from '../../packages/stack/src/keeper.ts';
import { postgresUser } from '../../packages/stack/src/run-folder.ts';
import { type Owner, thisFile } from './cleanup.ts';
import { until } from './wait.ts';

/** Where PgBouncer is; its libraries are found beside it, as a Debian package is unpacked. */
export const pgbouncer = process.env.PGBOUNCER;

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
  if (pgbouncer === undefined) throw new Error('PGBOUNCER does not say where PgBouncer is');
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
  const user = postgresUser();
  const keeper = startKeeper({ output: 'ignore' });
  owner.after(() => keeper.close([{ signal: 'SIGINT', waitMs: 3_000 }]));
  keeper.run({
    file: pgbouncer,
    args: [ini],
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LD_LIBRARY_PATH: join(pgbouncer, '../../lib/x86_64-linux-gnu') },
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
