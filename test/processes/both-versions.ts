import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { createClient } from '@rekey/client';
import { migrate } from '@rekey/schema';
import { createDatabase, dropDatabase } from '@rekey/stack';
import { type Application, startApplication } from '../harness/application.ts';
import { testEnvironment } from '../harness/environment.ts';
import { type ApiAnswer, type Installation, installation, type StatusData } from '../harness/installation.ts';
import { olderVersion } from '../harness/older-version.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { contradictions, poll } from '../harness/poller.ts';
import { startApi, startWorker } from '../harness/process.ts';
import { asRole, createRoles, dropRoles, roles } from '../harness/roles.ts';
import type { SeededTenant } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';

export const older = await olderVersion();
export const skip = older.skip;
/** One job sweeps the fewer; of the more, ranges are spread over the queue. */
export const [few, many] = [2_000, 14_000];

export interface Both extends Installation {
  /** The older version's vault, with a store of its own. */
  readonly old: Awaited<ReturnType<typeof older.vault>>;
  startOldApi(): Promise<Caller>;
  startOldWorker(): Promise<{ logs(): string }>;
}

/** Calls of one API. */
export interface Caller {
  rotate(tenantId: string, key?: string): Promise<ApiAnswer & { headers: Headers }>;
  status(rotationId: string): Promise<ApiAnswer>;
  cancel(rotationId: string): Promise<ApiAnswer>;
}

/** An installation whose database the older version made; `upgrade` is what an operator does first. */
export async function both(t: TestContext, options: { workers: number; upgraded?: boolean }): Promise<Both> {
  const adminUrl = testEnvironment('TEST_DATABASE_ADMIN_URL');
  // Roles of its own for the older worker: by them Postgres tells who of the two is at work.
  const olderRoles = `older_${randomBytes(6).toString('hex')}`;
  const name = testEnvironment('TEST_TEMPLATE_DATABASE').replace(/template$/, randomBytes(6).toString('hex'));
  const databaseUrl = await createDatabase(adminUrl, name);
  t.after(async () => {
    await dropDatabase(adminUrl, name);
    await dropRoles(adminUrl, olderRoles);
  });
  await older.migrate(databaseUrl);
  if (options.upgraded !== false) await migrate(databaseUrl);
  const rekey = await installation({ databaseUrl, apis: 0, workers: 0 }, t);
  for (const role of roles)
    await rekey.store.query(`select rekey.grant_${role}($1)`, [
      `${testEnvironment('TEST_ROLES_PREFIX')}_${role}`,
    ]);
  await createRoles(databaseUrl, olderRoles);
  const old = await older.vault(databaseUrl, rekey.kekFile);
  t.after(() => old.close());
  const shared = { REDIS_URL: rekey.redis.url, QUEUE_PREFIX: rekey.redis.prefix };
  const workerEnv = {
    ...shared,
    DATABASE_URL: asRole(databaseUrl, 'worker'),
    KEK_URI: `local:${rekey.kekFile}`,
    BATCH_SIZE: '50',
    WORKER_CONCURRENCY: '1', // neither sweeps all ranges by itself
  };
  for (let n = 0; n < options.workers; n += 1) await startWorker(workerEnv, t);
  return {
    ...rekey,
    old,
    addWorker: () => startWorker(workerEnv, t),
    async startOldApi() {
      const env = { ...shared, DATABASE_URL: asRole(databaseUrl, 'api'), JWT_SECRET: rekey.jwtSecret };
      return callerOf((await startApi(env, t, older.folder)).url, rekey.token);
    },
    startOldWorker: () =>
      startWorker({ ...workerEnv, DATABASE_URL: asRole(databaseUrl, 'worker', olderRoles) }, t, older.folder),
  };
}

export async function startNewApi(rekey: Both, t: TestContext): Promise<Caller> {
  const { url } = await startApi(
    {
      DATABASE_URL: asRole(rekey.databaseUrl, 'api'),
      REDIS_URL: rekey.redis.url,
      QUEUE_PREFIX: rekey.redis.prefix,
      JWT_SECRET: rekey.jwtSecret,
    },
    t,
  );
  return callerOf(url, rekey.token);
}

export function callerOf(url: string, token: string): Caller {
  const client = createClient({ url, token });
  const told = async (answering: Promise<{ status: number; headers: Headers; body: unknown }>) => {
    const { status, headers, body } = await answering;
    return { status, headers, body: body as ApiAnswer['body'] }; // a test reads whatever came back
  };
  return {
    rotate: (tenantId, key = randomUUID()) =>
      told(
        client.ask('rotateDek', {
          headers: { 'x-tenantid': tenantId, 'idempotency-key': key },
          body: { tenantId },
        }),
      ),
    status: (rotationId) => told(client.ask('getRotation', { path: { rotationId } })),
    cancel: (rotationId) => told(client.ask('cancelRotation', { path: { rotationId } })),
  };
}

/** An application of each version on its half of the records. */
export function startApplications(
  rekey: Both,
  { tenantId, records }: SeededTenant,
): [Application, Application] {
  const half = (rest: number) => ({ tenantId, records: records.filter((_, i) => i % 2 === rest) });
  const gentle = { readers: 2, writers: 1 };
  return [
    startApplication(rekey, half(0), new Map(), gentle),
    startApplication(rekey.old, half(1), new Map(), gentle),
  ];
}

export const ended = (api: Caller, rotationId: string): Promise<StatusData> =>
  until(
    async () => {
      const { body } = await api.status(rotationId);
      return body.success && body.data.completedAt !== null ? body.data : undefined;
    },
    { what: `rotation ${rotationId} has ended`, timeoutMs: 60_000 },
  );

/** One rotation begun at `by` beside an application of each version; every one of `watched` follows it. */
export async function rotate(
  t: TestContext,
  rekey: Both,
  tenant: SeededTenant,
  by: Caller,
  watched: readonly Caller[],
  midway: () => Promise<void> = async () => {},
): Promise<StatusData> {
  const applications = startApplications(rekey, tenant);
  await until(() => applications.every(({ seen }) => seen.writes > 5), { what: 'both applications write' });
  const answer = await by.rotate(tenant.tenantId);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  const { rotationId } = answer.body.data;
  const pollers = watched.map((api) => poll(api, rotationId));
  await midway();
  const end = await ended(by, rotationId);
  await Promise.all([...applications, ...pollers].map((party) => party.stop()));
  assert.equal(end.status, 'completed', JSON.stringify(end));
  for (const { answers } of pollers) {
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.deepEqual(contradictions(answers.map(({ body }) => body.data)), []);
  }
  for (const { seen } of applications) {
    assert.deepEqual([seen.errors, seen.lost], [[], []]);
    t.diagnostic(`${seen.reads} reads, ${seen.writes} transactions, ${seen.retries} of them twice`);
  }
  assert.equal(await rekey.leftOnOlderKeys(tenant.tenantId), 0);
  const opened = await openAll(rekey, tenant.tenantId);
  for (const application of applications) {
    assert.deepEqual(wrong(opened, application.expected()), []);
    // And each version's vault reads what the other one's application wrote last.
    for (const [place, value] of [...application.expected()].slice(0, 300)) {
      const [target = '', id = ''] = place.split('/');
      for (const { vault } of [rekey, rekey.old])
        assert.deepEqual(await vault.get({ target, tenantId: tenant.tenantId, id }), value);
    }
  }
  assert.deepEqual((await rekey.store.query('select * from rekey.verify_events()')).rows, []);
  assert.deepEqual((await rekey.store.query('select * from rekey.integrity_problems()')).rows, []);
  return end;
}

/** Started, cancelled and asked for again across both: by an API of either version, worked on by whatever worker is there. */
export async function crosswise(rekey: Both, one: Caller, other: Caller): Promise<void> {
  const { tenantId } = await rekey.seedTenant(8_000);
  const key = randomUUID();
  const first = await one.rotate(tenantId, key);
  assert.equal(first.status, 200);
  const { rotationId } = first.body.data;
  const again = await other.rotate(tenantId, key);
  assert.deepEqual([again.status, again.body], [first.status, first.body]);
  const refused = await other.rotate(tenantId);
  assert.deepEqual([refused.status, refused.body.error.rotationId], [409, rotationId]);
  const cancel = await other.cancel(rotationId);
  const end = await ended(one, rotationId);
  // It may have been faster, and then the cancel was refused.
  assert.equal(end.status, cancel.status === 200 ? 'cancelled' : 'completed', JSON.stringify(cancel.body));
  const told = (await other.status(rotationId)).body.data;
  assert.deepEqual(
    [told.status, told.completedAt, told.itemsRotated],
    [end.status, end.completedAt, end.itemsRotated],
  );
}
