import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '@rekey/schema';
import { createDatabase, startPostgres } from '@rekey/stack';
import { Client } from 'pg';
import { type ApiAnswer, type Installation, installation } from '../harness/installation.ts';
import { asRole, createRoles } from '../harness/roles.ts';
import { until } from '../harness/wait.ts';

/** As Postgres comes: 100, of which three are kept for superusers. */
const server = await startPostgres({ settings: { max_connections: '100' } });
after(() => server.stop());
const databaseUrl = await createDatabase(server.url, 'budget');
await migrate(databaseUrl);
await createRoles(databaseUrl, 'budget');
/** An installation has one KEK, so each has a database of its own. */
const leastUrl = await createDatabase(server.url, 'least');
await migrate(leastUrl);

const workers = 4;
const ofWorker = 12;
const ofApi = 10;
const applications = 30;
const tenants = 100;

/** Keeps one connection at work for a while, then takes a new one: only then can it be refused. */
async function application(url: string, goesOn: () => boolean, refused: string[]): Promise<number> {
  let connections = 0;
  while (goesOn()) {
    const client = new Client({ connectionString: url, application_name: 'application' });
    client.on('error', () => {});
    try {
      await client.connect();
      connections += 1;
      for (let read = 0; read < 5; read += 1) {
        await client.query('select count(*) from secrets where tenant_id = gen_random_uuid()');
        await sleep(100);
      }
    } catch (error) {
      refused.push(error instanceof Error ? error.message : String(error));
      await sleep(50);
    } finally {
      await client.end().catch(() => {});
    }
  }
  return connections;
}

/** The most connections that each program had, looked at again and again. */
async function sample(goesOn: () => boolean): Promise<Map<string, number>> {
  const client = new Client({ connectionString: databaseUrl, application_name: 'sampler' });
  await client.connect();
  const most = new Map<string, number>();
  while (goesOn()) {
    const { rows } = await client.query<{ program: string; connections: number }>(
      `select case when application_name = 'rekey-api' then 'api' else 'workers' end as program,
         count(*)::int as connections
       from pg_stat_activity where application_name like 'rekey-%' and backend_type = 'client backend' group by 1`,
    );
    for (const { program, connections } of rows)
      most.set(program, Math.max(connections, most.get(program) ?? 0));
    await sleep(10);
  }
  await client.end();
  return most;
}

/**
 * As a client does that is told to come again. A hundred calls at once queue for an API's eight connections, and on a
 * machine that has much else to do the last of them may queue for too long.
 */
async function startedAtLast(rekey: Installation, tenantId: string): Promise<ApiAnswer> {
  for (;;) {
    const answer = await rekey.rotate(tenantId);
    if (answer.status === 200) return answer;
    assert.equal(answer.status, 503, JSON.stringify(answer.body));
    await sleep(1_000);
  }
}

test('four workers, an API and an application with 30 connections fit on a stock server while 100 tenants are rotated', async () => {
  const rekey = await installation({
    databaseUrl,
    workers: 0,
    apiEnv: { DATABASE_URL: asRole(databaseUrl, 'api', 'budget') },
    workerEnv: { DATABASE_URL: asRole(databaseUrl, 'worker', 'budget'), WORKER_CONCURRENCY: '8' },
  });
  const seeded: string[] = [];
  for (let made = 0; made < tenants; made += 1) {
    const large = made === 0;
    seeded.push((await rekey.seedTenant(large ? 10_500 : 34)).tenantId);
  }
  for (let started = 0; started < workers; started += 1) await rekey.addWorker();
  let goesOn = true;
  const refused: string[] = [];
  const isOn = (): boolean => goesOn;
  const sampled = sample(isOn);
  const url = asRole(databaseUrl, 'application', 'budget');
  const applied = Array.from({ length: applications }, () => application(url, isOn, refused));
  try {
    const started = await Promise.all(seeded.map((tenantId) => startedAtLast(rekey, tenantId)));
    for (const { body } of started) {
      const ended = await rekey.ended(body.data.rotationId, { timeoutMs: 60_000, everyMs: 100 });
      assert.equal(ended.status, 'completed', JSON.stringify(ended));
    }
  } finally {
    goesOn = false;
    await Promise.all(applied);
  }
  const most = await sampled;
  const connections = (await Promise.all(applied)).reduce((sum, made) => sum + made, 0);
  assert.deepEqual(refused, [], `the application was refused ${refused.length} of ${connections} times`);
  assert.ok(connections > 3 * applications, `the application connected ${connections} times`);
  assert.ok((most.get('workers') ?? 0) <= workers * ofWorker, JSON.stringify([...most]));
  assert.ok((most.get('api') ?? 0) <= ofApi, JSON.stringify([...most]));
  // A test that sees nothing cannot fail.
  assert.ok((most.get('workers') ?? 0) > workers, JSON.stringify([...most]));
});

test('with the least that is allowed everything goes on, however much is to be done at once, and is told', async (t) => {
  const rekey = await installation({
    databaseUrl: leastUrl,
    workers: 0,
    workerEnv: { WORKER_CONCURRENCY: '8', DATABASE_CONNECTIONS_MAX: '5' },
    apiEnv: { DATABASE_CONNECTIONS_MAX: '2' },
  });
  const large = await rekey.seedTenant(10_500);
  const held = await rekey.seedTenant(34);
  const small: string[] = [];
  for (let made = 0; made < 20; made += 1) small.push((await rekey.seedTenant(17)).tenantId);
  const forgotten = new Client({ connectionString: leastUrl, application_name: 'forgotten' });
  await forgotten.connect();
  t.after(() => forgotten.end());
  await forgotten.query('begin');
  await forgotten.query(
    `update secrets set ciphertext = ciphertext where tenant_id = $1 and id = (
       select id from secrets where tenant_id = $1 limit 1)`,
    [held.tenantId],
  );
  const tenants = [held.tenantId, large.tenantId, ...small];
  const started = await Promise.all(tenants.map((tenantId) => rekey.rotate(tenantId)));
  const [waiting, ...others] = started.map(({ body }) => body.data.rotationId);
  assert.ok(waiting !== undefined);
  const worker = await rekey.addWorker();

  // A look at who is in the way takes two connections, and everybody else goes on meanwhile.
  const named = until(
    async () => {
      const { data } = (await rekey.status(waiting)).body as unknown as {
        data: { waitingFor: string | null; waitingDetail: { holders?: readonly unknown[] } | null };
      };
      return data.waitingFor === 'lock' && (data.waitingDetail?.holders ?? []).length > 0;
    },
    { what: 'the status names who is in the way', timeoutMs: 60_000 },
  );
  for (const rotationId of others) {
    const { status } = await rekey.ended(rotationId, { timeoutMs: 60_000, everyMs: 50 });
    assert.equal(status, 'completed');
  }
  await named;
  await forgotten.query('commit');
  assert.equal((await rekey.ended(waiting, { timeoutMs: 30_000 })).status, 'completed');
  assert.doesNotMatch(worker.logs(), /rotation waits|housekeeping waits/);
});
