import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKeks, createLocalKeyFile, openKek } from '@rekey/kms';
import { createVault } from '@rekey/vault';
import { installation } from '../harness/installation.ts';
import { firstValue, seedTenant } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-lost-kek-'));
after(() => rm(folder, { recursive: true, force: true }));
const [lostFile, nextFile] = [join(folder, 'lost'), join(folder, 'next')];
await Promise.all([createLocalKeyFile(lostFile), createLocalKeyFile(nextFile)]);
const [lost, next] = await Promise.all([openKek(`local:${lostFile}`), openKek(`local:${nextFile}`)]);
const rekey = await installation({
  workers: 0,
  workerEnv: { KEK_URI: `local:${lostFile}`, KEKS: `lost=local:${lostFile},next=local:${nextFile}` },
});
await rekey.vault.close(); // it has neither KEK
const vaultOn = (kek: Parameters<typeof createVault>[0]['kek']) => {
  const vault = createVault({ store: rekey.store, kek, prefetch: false, report: false });
  after(() => vault.close());
  return vault;
};
const vault = vaultOn(createKeks(lost, next));

interface Stands {
  readonly status: string;
  readonly phase: string | null;
  readonly keysTotal: number;
  readonly keysUnder: number;
  readonly keysInUse: number;
  readonly keysCompromised: number;
  readonly keysFailed: number;
  readonly rotationsUnderWay: number;
}

async function ask(method: string, path: string, body?: unknown) {
  const answer = await fetch(`${rekey.apis[0]?.url}/api/v1/admin/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${rekey.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came back
  return { status: answer.status, body: (await answer.json()) as any };
}
const stands = async (): Promise<Stands> => (await ask('GET', 'keks/lost/compromise')).body.data;

test('a compromised KEK: rewrapped, replaced and out of use, whoever is killed in which step', async (t) => {
  const tenants = await Promise.all(Array.from({ length: 6 }, () => seedTenant(vault, 85)));
  const [rotated, paused] = tenants;
  assert.ok(rotated && paused);
  const first = await rekey.addWorker();
  const { rotationId } = (await rekey.rotate(rotated.tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId)).status, 'completed');
  await until(
    async () =>
      (await ask('GET', 'keks')).body.data.keks.some(
        (kek: { name: string; workers: number }) => kek.name === 'next' && kek.workers > 0,
      ),
    { what: 'the worker has proved the other KEK', timeoutMs: 60_000 },
  );

  // What stands still does not hold it up, and what is prepared under the lost KEK is not kept.
  first.kill('SIGKILL');
  await first.exited;
  const inTheWay = (await rekey.rotate(paused.tenantId)).body.data.rotationId;
  assert.equal((await ask('POST', `dek/rotations/${inTheWay}/pause`, {})).status, 200);
  const began = await ask('POST', 'keks/lost/compromise', {
    kek: 'next',
    reason: 'it was found elsewhere',
    callsPerSecondMax: 6,
  });
  assert.equal(began.status, 200, JSON.stringify(began.body));
  assert.deepEqual([began.body.data.keysTotal, began.body.data.keysUnder], [7, 7]);
  assert.equal(
    (await ask('POST', 'keks/lost/compromise', { kek: 'next', reason: 'again' })).body.data.compromiseId,
    began.body.data.compromiseId,
  );

  const killed: string[] = [];
  for (const [step, isThere] of [
    ['rewrapping', ({ phase }: Stands) => phase === 'rewrapping'],
    ['rotating', ({ phase, rotationsUnderWay }: Stands) => phase === 'rotating' && rotationsUnderWay > 0],
    ['ending', ({ keysInUse }: Stands) => keysInUse === 0],
  ] as const) {
    const worker = await rekey.addWorker();
    // The rewrap takes some seconds, at so few calls a second.
    if (step === 'rewrapping') await sleep(1_000);
    const at = await until(
      async () => {
        const now = await stands();
        return isThere(now) || now.status !== 'in_progress' ? now : undefined;
      },
      { what: step, timeoutMs: 90_000, everyMs: 5 },
    );
    worker.kill('SIGKILL');
    await worker.exited;
    killed.push(`${step}: ${JSON.stringify(at)}`);
    assert.equal(at.status === 'in_progress' || step === 'ending', true, `${step} was missed`);
  }
  t.diagnostic(killed.join('\n'));

  await rekey.addWorker();
  const ended = await until(
    async () => {
      const now = await stands();
      return now.status === 'in_progress' ? undefined : now;
    },
    { what: 'it has ended', timeoutMs: 90_000 },
  );
  assert.deepEqual(
    [ended.status, ended.keysUnder, ended.keysInUse, ended.keysFailed, ended.rotationsUnderWay],
    ['completed', 0, 0, 0, 0],
  );

  // What Postgres says, not we: none is under it, and of what was none may seal.
  const { rows: deks } = await rekey.store.query(
    `select d.state, m.kek_id, count(*)::integer as deks, (select count(*)::integer from rekey.tenants) as tenants
     from rekey.deks d join rekey.dek_material m on m.dek_id = d.id group by 1, 2 order by 1`,
  );
  assert.deepEqual(
    deks.map(({ state, kek_id, deks: n }) => [state, kek_id, n]),
    [
      ['active', next.id, 6],
      ['compromised', next.id, 7],
    ],
  );
  for (const { tenantId } of tenants) assert.equal(await rekey.leftOnOlderKeys(tenantId), 0);
  const superseded = (await rekey.status(inTheWay)).body.data;
  assert.equal(superseded.status, 'cancelled');
  const withoutIt = vaultOn(next);
  for (const { tenantId, records } of tenants)
    for (const { target, id } of records)
      assert.deepEqual(await withoutIt.get({ target, tenantId, id }), firstValue(id));
  const { rows: events } = await rekey.store.query(
    `select kind from rekey.events where kind like 'kek.compromise%' order by sequence`,
  );
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['kek.compromised', 'kek.compromise_completed'],
  );
  const { rows: forgotten } = await rekey.store.query(`select rekey.forget_kek('lost') as forgotten`);
  assert.deepEqual(forgotten, [{ forgotten: true }]);
});
