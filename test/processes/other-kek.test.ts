import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createLocalKeyFile, openKek } from '@rekey/kms';
import { startProcess, workerFlags } from '@rekey/stack';
import { pastTheTriggers } from '../harness/damage.ts';
import { createTestDatabase } from '../harness/database.ts';
import { type Installation, installation } from '../harness/installation.ts';
import { until } from '../harness/wait.ts';
import { wireTo } from '../harness/wire.ts';
import { workerHere } from '../harness/worker-here.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
test.after(() => rm(folder, { recursive: true, force: true }));
const otherKek = `local:${join(folder, 'other')}`;
await createLocalKeyFile(join(folder, 'other'));

/** A worker whose start is not waited for. */
function begin(rekey: Installation, env: Record<string, string>) {
  const entry = fileURLToPath(new URL('../../apps/worker/src/main.ts', import.meta.url));
  return startProcess({
    name: 'worker',
    entry,
    flags: workerFlags,
    env: {
      DATABASE_URL: rekey.databaseUrl,
      REDIS_URL: rekey.redis.url,
      QUEUE_PREFIX: rekey.redis.prefix,
      KEK_URI: `local:${rekey.kekFile}`,
      WORKER_NICENESS: '0',
      ...env,
    },
    readyLine: '"msg":"worker ready"',
  });
}

const id = 'local:[0-9a-f]{16}';
const refusal = new RegExp(
  `^config: KEK_URI: another KEK than those that the stored DEKs are wrapped under: ${id}, not ${id}$`,
  'm',
);
const inItsPlace = new RegExp(
  `^config: KEK_URI: local:\\S+ holds another KEK than the one that DEKs were wrapped under there: ${id}, not ${id}$`,
  'm',
);

test('a worker with another KEK than the stored DEKs refuses to start in one line', async (t) => {
  const rekey = await installation({ workers: 0 }, t);
  await rekey.seedTenant(17);
  // By another path; and by the same one, as where every machine mounts its secret at the same place.
  const sameKey = join(folder, 'same-path');
  await createLocalKeyFile(sameKey);
  const fromElsewhere = await openKek(`local:${sameKey}`);
  for (const KEK_URI of [otherKek, fromElsewhere.uri]) {
    const worker = begin(rekey, { KEK_URI });
    assert.deepEqual(await worker.exited, { code: 1, signal: null });
    assert.match(worker.logs(), refusal);
    assert.equal(worker.logs().split('\n').length, 1, worker.logs());
  }
  await writeFile(rekey.kekFile, randomBytes(32));
  const worker = begin(rekey, {});
  assert.deepEqual(await worker.exited, { code: 1, signal: null });
  assert.match(worker.logs(), inItsPlace);
});

test('the right key at another path is the right KEK, and one damaged DEK does not say otherwise', async (t) => {
  const rekey = await installation({ workers: 0 }, t);
  const damaged = await rekey.seedTenant(17);
  await rekey.seedTenant(17);
  await pastTheTriggers(rekey.store, (tx) =>
    tx.query(
      `update rekey.dek_material set wrapped = substring(wrapped for 40) || substring($2::bytea for 29)
       where dek_id in (select id from rekey.deks where tenant_id = $1)`,
      [damaged.tenantId, randomBytes(32)],
    ),
  );
  const copy = join(folder, 'copy');
  const { readFile } = await import('node:fs/promises');
  await writeFile(copy, await readFile(rekey.kekFile), { mode: 0o600 });
  await rekey.addWorker({ KEK_URI: `local:${copy}` });
});

test('with Postgres away the proof is made when it is back, and until then the worker is not ready', async (t) => {
  const own = await createTestDatabase(t);
  const wire = await wireTo(own.url, t);
  const rekey = await installation({ databaseUrl: own.url, workers: 0 }, t);
  const { tenantId } = await rekey.seedTenant(17);
  const { rotationId } = (await rekey.rotate(tenantId)).body.data;
  await wire.cut();
  const HEALTH_PORT = String(20_000 + (process.pid % 20_000));
  const right = begin(rekey, { DATABASE_URL: wire.url, HEALTH_PORT });
  const mistaken = begin(rekey, { DATABASE_URL: wire.url, KEK_URI: otherKek });
  t.after(async () => void (await Promise.all([right.stop(), mistaken.stop()])));
  for (const worker of [right, mistaken]) {
    await until(() => worker.logs().includes('postgres is away: waiting for it'), {
      what: 'it says so',
      timeoutMs: 60_000,
    });
  }
  const answer = await fetch(`http://127.0.0.1:${HEALTH_PORT}/readyz`);
  const { status, checks } = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual([answer.status, status, checks], [503, 'unready', { kek: false }]);
  assert.equal((await fetch(`http://127.0.0.1:${HEALTH_PORT}/livez`)).status, 200);
  await wire.mend();
  assert.deepEqual(await mistaken.exited, { code: 1, signal: null });
  assert.match(mistaken.logs(), refusal);
  await right.ready;
  assert.equal(right.logs().match(/postgres is away/g)?.length, 1, 'said once');
  assert.equal((await rekey.ended(rotationId)).status, 'completed');
});

test('a worker that waits for Postgres ends at SIGTERM', async (t) => {
  const rekey = await installation({ workers: 0 }, t);
  const worker = begin(rekey, { DATABASE_URL: 'postgres://u:p@127.0.0.1:1/none' });
  await until(() => worker.logs().includes('postgres is away'), { what: 'it waits', timeoutMs: 60_000 });
  assert.deepEqual(await worker.stop(3_000), { code: 0, signal: null });
});

test('one of two workers has another KEK: no rotation ends of it, and every one completes', async (t) => {
  const rekey = await installation({ workers: 1 }, t);
  const tenants = [];
  for (let n = 0; n < 6; n += 1) tenants.push(await rekey.seedTenant(34));
  const mistaken = await workerHere(rekey, await openKek(otherKek), t);
  for (const { tenantId } of tenants) {
    const { rotationId } = (await rekey.rotate(tenantId)).body.data;
    assert.equal((await rekey.ended(rotationId)).status, 'completed');
    assert.equal(await rekey.leftOnOlderKeys(tenantId), 0);
  }
  const large = await rekey.seedTenant(25_000);
  const { rotationId } = (await rekey.rotate(large.tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId, { timeoutMs: 60_000 })).status, 'completed');
  assert.ok(
    mistaken.log.some((line) => line.includes('"code":"NOT_HELD"')),
    'it had its turn',
  );
});

test('first DEKs are made only under the KEK of those that are stored, even by a worker that came before them', async (t) => {
  const rekey = await installation({ workers: 0 }, t);
  const mistaken = await rekey.addWorker({ KEK_URI: otherKek }); // there is nothing yet to tell it by
  await rekey.seedTenant(17);
  const before = async (): Promise<string> => {
    const tenantId = randomUUID();
    await rekey.store.query("insert into rekey.tenants (id, name) values ($1, 'without a DEK')", [tenantId]);
    return tenantId;
  };
  const waiting = await before();
  const { rotationId } = (await rekey.rotate(waiting)).body.data;
  await until(() => mistaken.logs().includes('"code":"NOT_HELD"'), {
    what: 'the mistaken one tries',
    timeoutMs: 60_000,
  });
  await sleep(500);
  assert.equal((await rekey.status(rotationId)).body.data.status, 'in_progress');
  await rekey.addWorker();
  for (const tenantId of [waiting, await before(), await before(), await before()]) {
    const id = tenantId === waiting ? rotationId : (await rekey.rotate(tenantId)).body.data.rotationId;
    assert.equal((await rekey.ended(id)).status, 'completed');
    const record = { target: 'secrets', tenantId, id: randomUUID() } as const;
    await rekey.vault.put({ ...record, value: Buffer.from('readable'), columns: { name: 'x' } });
    assert.equal((await rekey.vault.get(record))?.toString(), 'readable');
  }
});
