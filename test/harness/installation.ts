import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '@rekey/client';
import { loadInstallation } from '@rekey/control';
import { openStore, type Store } from '@rekey/db';
import { keysOf } from '@rekey/jobs';
import { createLocalKeyFile, type Kek, openKek } from '@rekey/kms';
import type { RunningProcess } from '@rekey/stack';
import { createVault, type Vault } from '@rekey/vault';
import { type Owner, thisFile } from './cleanup.ts';
import { createTestDatabase } from './database.ts';
import { patient } from './patient.ts';
import { startApi, startWorker } from './process.ts';
import { testRedis } from './redis.ts';
import { asRole, type Role } from './roles.ts';
import { type SeededTenant, seedTenant } from './seed.ts';
import { signHs256 } from './tokens.ts';
import { until } from './wait.ts';

export interface StatusData {
  readonly rotationId: string;
  readonly tenantId: string;
  readonly status: string;
  readonly phase: string;
  readonly previousKeyId: string | null;
  readonly newKeyId: string;
  readonly percentComplete: number;
  readonly waitingFor: string | null;
  readonly failureReason: string | null;
  readonly startedAt: string;
  readonly completedAt: string | null;
  readonly itemsToRotate: Record<string, number>;
  readonly itemsRotated: Record<string, number>;
  readonly itemsSuperseded: Record<string, number>;
  readonly itemsFailed: Record<string, number>;
  readonly itemsRemaining: Record<string, number>;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: {
    readonly success: boolean;
    readonly data: StatusData;
    readonly error: { code: string; rotationId: string };
  };
}

/** A whole Rekey on the test servers: real API and worker processes, and an application's vault in this one. */
export interface Installation {
  readonly databaseUrl: string;
  readonly redis: { readonly url: string; readonly prefix: string };
  /** What every key of this installation in Redis begins with. */
  readonly keys: string;
  readonly kekFile: string;
  readonly store: Store;
  readonly kek: Kek;
  readonly vault: Vault;
  readonly jwtSecret: string;
  /** The token that every call here carries. */
  readonly token: string;
  readonly apis: ReadonlyArray<RunningProcess & { url: string }>;
  readonly workers: RunningProcess[];
  addWorker(env?: Record<string, string>): Promise<RunningProcess>;
  /** A tenant with records in the proportions 5 : 2 : 10; the ids by target. */
  seedTenant(records: number): Promise<SeededTenant>;
  rotate(tenantId: string, api?: number, headers?: Record<string, string>): Promise<ApiAnswer>;
  status(rotationId: string, api?: number): Promise<ApiAnswer>;
  cancel(rotationId: string): Promise<ApiAnswer>;
  failures(
    rotationId: string,
  ): Promise<ReadonlyArray<{ itemType: string; recordId: string; reason: string }>>;
  /** Polls until the rotation has ended. */
  ended(rotationId: string, options?: { timeoutMs?: number; everyMs?: number }): Promise<StatusData>;
  /** Records of a tenant that are not under its active DEK. */
  leftOnOlderKeys(tenantId: string): Promise<number>;
}

/** Longer than any test waits for one. */
const answerMaxMs = 600_000;

/** What the installation is to run on instead of the test servers, and with. */
export interface InstallationOptions {
  readonly apis?: number;
  readonly workers?: number;
  readonly apiEnv?: Record<string, string>;
  readonly workerEnv?: Record<string, string>;
  /** A migrated database of the test's own. */
  readonly databaseUrl?: string;
  readonly redis?: { readonly url: string; readonly prefix: string };
}

export async function installation(
  { apis = 1, workers = 1, ...options }: InstallationOptions = {},
  owner: Owner = thisFile,
): Promise<Installation> {
  const { apiEnv: moreApiEnv = {}, workerEnv = {} } = options;
  const databaseUrl = options.databaseUrl ?? (await createTestDatabase(owner)).url;
  const redis = options.redis ?? testRedis(owner);
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const kekFile = join(folder, 'kek');
  await createLocalKeyFile(kekFile);
  const kek = await openKek(`local:${kekFile}`);
  const store = openStore({
    connectTimeoutMs: patient.connectTimeoutMs,
    url: databaseUrl,
    max: 20,
    onError: () => {},
  });
  const vault = createVault({ store, kek });
  owner.after(async () => {
    await vault.close();
    await store.end();
  });

  const jwtSecret = `${randomUUID()}${randomUUID()}`;
  // A database that a test brings may be on another server, or behind a proxy that tells roles apart.
  const urlOf = (role: Role): string =>
    options.databaseUrl === undefined ? asRole(databaseUrl, role) : databaseUrl;
  const shared = { REDIS_URL: redis.url, QUEUE_PREFIX: redis.prefix };
  const apiEnv = { DATABASE_URL: urlOf('api'), ...shared, JWT_SECRET: jwtSecret, ...moreApiEnv };
  const running = await Promise.all(Array.from({ length: apis }, () => startApi(apiEnv, owner)));
  const startedWorkers: RunningProcess[] = [];
  const addWorker = async (env: Record<string, string> = {}): Promise<RunningProcess> => {
    const worker = await startWorker(
      { DATABASE_URL: urlOf('worker'), ...shared, KEK_URI: `local:${kekFile}`, ...workerEnv, ...env },
      owner,
    );
    startedWorkers.push(worker);
    return worker;
  };
  await Promise.all(Array.from({ length: workers }, () => addWorker()));

  const token = signHs256(jwtSecret, {
    sub: 'ada',
    name: 'Ada Example',
    email: 'ada@example.com',
    roles: ['super_admin'],
    exp: Math.floor(Date.now() / 1_000) + 3_600,
  });
  const clients = running.map(({ url }) => createClient({ url, token, timeoutMs: answerMaxMs }));
  const clientOf = (api: number): Client => {
    const client = clients[api];
    if (client === undefined) throw new Error(`there is no API ${api}`);
    return client;
  };
  const told = async (answering: Promise<{ status: number; body: unknown }>): Promise<ApiAnswer> => {
    const { status, body } = await answering;
    return { status, body: body as ApiAnswer['body'] }; // a test reads whatever came back
  };
  const status = (rotationId: string, api = 0): Promise<ApiAnswer> =>
    told(clientOf(api).ask('getRotation', { path: { rotationId } }));

  return {
    databaseUrl,
    redis,
    keys: keysOf(redis.prefix, await loadInstallation(store)),
    kekFile,
    store,
    kek,
    vault,
    jwtSecret,
    token,
    apis: running,
    workers: startedWorkers,
    addWorker,
    seedTenant: (records) => seedTenant(vault, records),
    rotate: (tenantId, api = 0, headers = {}) =>
      told(
        clientOf(api).ask('rotateDek', {
          headers: { 'x-tenantid': tenantId, ...headers },
          body: { tenantId },
        }),
      ),
    status,
    cancel: (rotationId) => told(clientOf(0).ask('cancelRotation', { path: { rotationId } })),
    async failures(rotationId) {
      const page = { path: { rotationId }, query: { limit: 100 } };
      return (await clientOf(0).listRotationFailures(page)).data.failures;
    },
    ended: (rotationId, { timeoutMs = 30_000, everyMs = 10 } = {}) =>
      until(
        async () => {
          const { body } = await status(rotationId);
          return body.success && body.data.completedAt !== null ? body.data : undefined;
        },
        { what: `rotation ${rotationId} has ended`, timeoutMs, everyMs },
      ),
    async leftOnOlderKeys(tenantId) {
      const found = await store.query<{ left: string }>(
        `select sum(n) as left from (
           select count(*) n, tenant_id, key_number from credentials group by 2, 3
           union all select count(*), tenant_id, key_number from api_keys group by 2, 3
           union all select count(*), tenant_id, key_number from secrets group by 2, 3) r
         where tenant_id = $1
           and key_number <> (select key_number from rekey.deks where tenant_id = $1 and state = 'active')`,
        [tenantId],
      );
      return Number(found.rows[0]?.left ?? 0);
    },
  };
}
