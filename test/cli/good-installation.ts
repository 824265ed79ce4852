import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { createLocalKeyFile, openKek } from '@rekey/kms';
import { createDatabase, startPostgres, startRedis } from '@rekey/stack';
import { createVault, openStore } from '@rekey/vault';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { patient } from '../harness/patient.ts';
import { callHere } from './in-process.ts';

export interface GoodInstallation {
  /** As the superuser of the server, in the installation's database. */
  readonly admin: Pool;
  readonly serverUrl: string;
  readonly databaseUrl: string;
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly folder: string;
  readonly kekFile: string;
  readonly tenantId: string;
  /** What the one who looks after it has set. */
  readonly env: Readonly<Record<string, string>>;
  /** As another role of it; its name is that of docs/operations.md. */
  as(role: string): string;
}

/** Set up by the manual (docs/operations.md): roles of their own, durable, with one tenant and its records. */
export async function goodInstallation(): Promise<GoodInstallation> {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-doctor-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const postgres = await startPostgres({ settings: { idle_in_transaction_session_timeout: '10min' } });
  after(() => postgres.stop());
  const redisServer = await startRedis();
  after(() => redisServer.stop());
  const redis = new Redis(redisServer.url);
  after(() => redis.disconnect());
  await redis.config('SET', 'appendonly', 'yes');

  const password = randomBytes(8).toString('hex');
  const server = new Pool({ connectionString: postgres.url, max: 1 });
  for (const role of ['owner', 'api', 'worker', 'app', 'operator'])
    await server.query(`create role rekey_${role} login password '${password}'`);
  await server.query('grant pg_read_all_stats to rekey_owner, rekey_operator');
  await server.end();
  const adminUrl = await createDatabase(postgres.url, 'rekey');
  const admin = new Pool({ connectionString: adminUrl });
  admin.on('error', () => {});
  after(() => admin.end());
  await admin.query('alter database rekey owner to rekey_owner');
  await admin.query('grant create on schema public to rekey_owner');
  const as = (role: string): string => {
    const url = new URL(adminUrl);
    url.username = role;
    url.password = password;
    return url.href;
  };

  const kekFile = join(folder, 'kek');
  await createLocalKeyFile(kekFile);
  const env = {
    DATABASE_URL: as('rekey_owner'),
    REDIS_URL: redisServer.url,
    KEK_URI: `local:${kekFile}`,
  };
  const made = await callHere(env, 'init');
  if (made.code !== 0) throw new Error(made.err);
  const grants = `select rekey.grant_api('rekey_api'), rekey.grant_worker('rekey_worker'),
    rekey.grant_application('rekey_app'), rekey.grant_operator('rekey_operator')`;
  const owner = new Pool({ connectionString: as('rekey_owner'), max: 1 });
  await owner.query(grants);
  await owner.query('grant select, insert, update, delete on credentials, api_keys, secrets to rekey_app');
  await owner.end();

  const tenantId = randomUUID();
  const store = openStore({ ...patient, url: as('rekey_app'), onError: () => {} });
  const kek = await openKek(env.KEK_URI);
  const vault = createVault({ store, kek });
  await vault.createTenant({ tenantId, name: 'a tenant' });
  await vault.put({
    target: 'secrets',
    tenantId,
    id: randomUUID(),
    value: Buffer.from('a value'),
    columns: { name: 'n' },
  });
  await vault.close();
  await store.end();
  await kek.close();
  return {
    admin,
    serverUrl: postgres.url,
    databaseUrl: adminUrl,
    redis,
    redisUrl: redisServer.url,
    folder,
    kekFile,
    tenantId,
    env,
    as,
  };
}
