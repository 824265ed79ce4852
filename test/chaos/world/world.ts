import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadInstallation } from '@rekey/control';
import { openStore, type Store } from '@rekey/db';
import { keysOf } from '@rekey/jobs';
import { createLocalKeyFile, type Keks, openKek } from '@rekey/kms';
import { migrate } from '@rekey/schema';
import { createDatabase, type PostgresServer, startPostgres } from '@rekey/stack';
import { createVault, type Vault } from '@rekey/vault';
import { Pool } from 'pg';
import { asRole, createRoles } from '../../harness/roles.ts';
import { signHs256 } from '../../harness/tokens.ts';
import { createTurnstile, type Turnstile } from '../clients/turnstile.ts';
import type { History } from '../history.ts';
import type { Plan } from '../plan.ts';
import { type Link, openLink } from '../proxy/link.ts';
import { type AppKek, troublesomeKek } from './app-kek.ts';
import { type Control, openControl } from './control.ts';
import { type KmsServers, openKmsServers } from './kms-servers.ts';
import { type FragileRedis, openRedisServer } from './redis-server.ts';
import { openSlot, type Slot } from './slot.ts';

/** An application's process would have one of each: a vault with its own connections and keyring. */
export interface AppConnection {
  readonly link: Link;
  readonly store: Store;
  readonly vault: Vault;
}

/** Everything that a run is played on. */
export interface World {
  readonly history: History;
  readonly postgres: PostgresServer;
  readonly redis: FragileRedis;
  readonly prefix: string;
  readonly databaseUrl: string;
  readonly workers: readonly Slot[];
  readonly apis: readonly Slot[];
  readonly control: Control;
  /** Straight to Postgres, past every proxy: for the checker's and the nemesis' own use. */
  readonly pool: Pool;
  /** The applications' key file. */
  readonly kek: AppKek;
  /** All KEKs of the applications. */
  readonly keks: Keks;
  readonly kms: KmsServers;
  readonly kekFile: string;
  readonly apps: readonly [AppConnection, AppConnection];
  /** Makes tenants, which no application's role may. */
  readonly operator: Vault;
  /** For connections of an application's role past every proxy. */
  readonly applicationUrl: string;
  readonly token: string;
  /** For writers whom only the fence keeps from writing under a retired DEK. */
  readonly turnstile: Turnstile;
  close(): Promise<void>;
}

export async function openWorld(plan: Plan, history: History, folder: string): Promise<World> {
  const closers: Array<() => Promise<unknown> | unknown> = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const [postgres, redis, control] = await Promise.all([startPostgres(), openRedisServer(), openControl()]);
    closers.push(
      () => postgres.stop(),
      () => redis.stop(),
      () => control.close(),
    );
    const databaseUrl = await createDatabase(postgres.url, 'rekey');
    await migrate(databaseUrl);
    await createRoles(databaseUrl, 'rekey');
    const urls = {
      application: asRole(databaseUrl, 'application', 'rekey'),
      worker: asRole(databaseUrl, 'worker', 'rekey'),
      api: asRole(databaseUrl, 'api', 'rekey'),
    };
    const kekFile = join(folder, `kek-${randomBytes(4).toString('hex')}`);
    await createLocalKeyFile(kekFile);
    const kek = troublesomeKek(await openKek(`local:${kekFile}`));
    const kms = await openKmsServers({ after: (cleanUp) => void closers.push(cleanUp) });
    const keks = kms.keks(kek);

    // Whatever a fault makes the database's default: its own sessions have to undo it.
    const options = '-c default_transaction_read_only=off -c default_transaction_isolation=read\\ committed';
    const pool = new Pool({
      connectionString: databaseUrl,
      max: 12,
      application_name: 'chaos-checker',
      options,
    });
    pool.on('error', () => {});
    // One that Postgres ends while a fault is being planted over it ends that fault, not the harness.
    pool.on('connect', (client) => client.on('error', () => {}));
    closers.push(() => pool.end());

    const openApp = async (name: string): Promise<AppConnection> => {
      const link = await openLink(name, urls.application, 'postgres');
      const store = openStore({ url: link.url, max: 12, applicationName: name, onError: () => {} });
      const vault = createVault({ store, kek: keks });
      closers.push(async () => {
        await vault.close();
        link.cut();
        await store.end();
        await link.close();
      });
      return { link, store, vault };
    };
    const apps: [AppConnection, AppConnection] = [await openApp('app-1'), await openApp('app-2')];

    const operatorStore = openStore({
      url: databaseUrl,
      max: 2,
      applicationName: 'chaos-operator',
      onError: () => {},
    });
    const operator = createVault({ store: operatorStore, kek: keks, prefetch: false });
    closers.push(async () => {
      await operator.close();
      await operatorStore.end();
    });

    const logs = join(folder, 'logs');
    await mkdir(logs, { recursive: true });
    const prefix = '{rekey}';
    const jwtSecret = randomBytes(32).toString('base64url');
    const slot = async (role: 'worker' | 'api', n: number): Promise<Slot> => {
      const name = `${role}-${n}`;
      const controlled = role === 'worker' && n > 1;
      const log = createWriteStream(join(logs, `${name}.log`));
      const opened = openSlot({
        name,
        role,
        controlled,
        history,
        postgres: await openLink(`${name}/postgres`, urls[role], 'postgres'),
        redis: await openLink(`${name}/redis`, redis.url, 'redis'),
        onLine: (line) => log.write(`${Math.round(history.now())} ${line}\n`),
        env: {
          QUEUE_PREFIX: prefix,
          LOG_LEVEL: 'info',
          ...(role === 'api'
            ? {
                HOST: '127.0.0.1',
                PORT: '0',
                JWT_SECRET: jwtSecret,
                RATE_LIMIT_READS_PER_MINUTE: '0',
                RATE_LIMIT_PER_MINUTE: '0',
              }
            : {
                ...kms.env,
                KEK_URI: `local:${kekFile}`,
                KEKS: kms.named(`local:${kekFile}`),
                // As the run's own: a campaign runs once with each cipher.
                REKEY_CIPHER: process.env.REKEY_CIPHER ?? 'auto',
                WORKER_CONCURRENCY: String(plan.concurrency),
                BATCH_SIZE: String(plan.batchSize),
              }),
          ...(controlled ? { CHAOS_CONTROL_PORT: String(control.port), CHAOS_NAME: name } : {}),
        },
      });
      closers.push(async () => {
        await opened.stop();
        log.end();
      });
      return opened;
    };
    const workers = await Promise.all(Array.from({ length: plan.workers }, (_, i) => slot('worker', i + 1)));
    const apis = await Promise.all([slot('api', 1), slot('api', 2)]);
    await Promise.all([...workers, ...apis].map((each) => each.ready()));

    const token = signHs256(jwtSecret, {
      sub: 'chaos',
      roles: ['super_admin'],
      exp: Math.floor(Date.now() / 1_000) + plan.durationMs / 1_000 + 3_600,
    });
    return {
      history,
      postgres,
      redis,
      prefix: keysOf(prefix, await loadInstallation(pool)),
      databaseUrl,
      workers,
      apis,
      control,
      pool,
      kek,
      keks,
      kms,
      kekFile,
      apps,
      operator,
      applicationUrl: urls.application,
      token,
      turnstile: createTurnstile(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
