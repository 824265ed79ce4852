import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKeks, createLocalKeyFile, openKek } from '@rekey/kms';
import { createVault } from '@rekey/vault';
import type { Owner } from '../harness/cleanup.ts';
import { installation } from '../harness/installation.ts';
import { awsCredentials, startMoto } from '../harness/moto.ts';
import { until } from '../harness/wait.ts';
import { counted, unwrapsOf } from './counted-keks.ts';
import { watchPauses } from './pauses.ts';

export interface ThereAndBack {
  readonly tenants: number;
  /** Of each rewrap: what it took, and what went on beside it. */
  readonly ways: ReadonlyArray<{
    readonly to: string;
    readonly seconds: number;
    readonly kmsCalls: number;
    readonly reads: number;
    readonly writes: number;
    readonly rotations: number;
    /** By the vault, of DEKs that it had at hand before. */
    readonly unwraps: number;
    readonly killedAt: string;
  }>;
}

interface Rewrap {
  readonly status: string;
  readonly keysRewrapped: number;
  readonly keysRemaining: number;
  readonly keysSetAside: number;
  readonly kmsCalls: number;
  readonly fingerprintBefore: string;
  readonly fingerprintAfter: string;
}

/**
 * All tenants' DEKs from a key file to AWS KMS, as moto serves it, and back, while rotations, readers and writers go on and the
 * worker is killed in the midst of each way. Throws where a read or write fails, a DEK that was at hand is unwrapped
 * because of it, a byte changes that must not, or a process that lacks the old KEK cannot go on.
 */
export async function thereAndBack(tenants: number, owner: Owner): Promise<ThereAndBack> {
  const unlessPaused = watchPauses(owner);
  const folder = await mkdtemp(join(tmpdir(), 'rekey-there-'));
  owner.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'kek');
  await createLocalKeyFile(file);
  const moto = await startMoto(owner);
  const [localUri, awsUri] = [`local:${file}`, await moto.newKey()];
  const keks = { local: counted(await openKek(localUri)), aws: counted(await openKek(awsUri)) };
  const workerEnv = { ...awsCredentials, KEK_URI: localUri, KEKS: `local=${localUri},aws=${awsUri}` };
  const rekey = await installation({ workers: 0, workerEnv }, owner);
  await rekey.vault.close(); // it has neither KEK
  const { store } = rekey;
  const ask = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${rekey.apis[0]?.url}/api/v1/admin/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${rekey.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever came back
    const said = (await answer.json()) as any;
    assert.ok(answer.ok, `${path}: ${JSON.stringify(said)}`);
    return said.data;
  };

  // DEKs do not grow old meanwhile: what is unwrapped would be so because of the rewrap.
  const day = 86_400_000;
  const vault = createVault({
    store,
    kek: createKeks(keks.local, keks.aws),
    dekAgeMaxMs: day,
    dekAgeMaxMsWhileAway: day,
  });
  owner.after(() => vault.close());
  const all: Array<{ readonly tenantId: string; readonly id: string }> = [];
  for (let from = 0; from < tenants; from += 32) {
    const some = Array.from({ length: Math.min(32, tenants - from) }, () => ({
      tenantId: randomUUID(),
      id: randomUUID(),
    }));
    await Promise.all(
      some.map(async ({ tenantId, id }) => {
        await unlessPaused(() => vault.createTenant({ tenantId, name: 'a tenant' }));
        const record = {
          target: 'secrets',
          tenantId,
          id,
          value: secretOf(id),
          columns: { name: 'a secret' },
        };
        await unlessPaused(() => vault.put(record));
      }),
    );
    all.push(...some);
  }
  // The last few are rotated meanwhile; the others are read, as many as a vault has at hand, and every tenth is written.
  const rotating = all.slice(-Math.min(20, Math.ceil(tenants / 10)));
  const others = all.slice(0, all.length - rotating.length);
  const steady = others.slice(0, readMax);

  const written = steady.filter((_, i) => i % 10 === 0);
  const isWritten = new Set(written.map(({ tenantId }) => tenantId));
  const still = others.map(({ tenantId }) => tenantId).filter((tenantId) => !isWritten.has(tenantId));

  const fingerprint = async (): Promise<string> => {
    const hash = createHash('sha256');
    for (const statement of [
      `select d.id, d.tenant_id, d.key_number, d.state, i.material_id from rekey.deks d
       join rekey.dek_identities i on i.dek_id = d.id where d.tenant_id = any ($1) order by d.id`,
      'select id, tenant_id, name, key_number, ciphertext from secrets where tenant_id = any ($1) order by id',
    ]) {
      hash.update(JSON.stringify((await store.query(statement, [still])).rows));
    }
    return hash.digest('hex');
  };

  const ways: Array<ThereAndBack['ways'][number]> = [];
  for (const [to, from] of [
    ['aws', 'local'],
    ['local', 'aws'],
  ] as const) {
    const first = await rekey.addWorker({ KEK_URI: to === 'aws' ? awsUri : localUri });
    await until(
      async () =>
        (await ask('GET', 'keks')).keks.some(
          (kek: { name: string; workers: number; vaults: number }) =>
            kek.name === to && kek.workers > 0 && kek.vaults > 0,
        ),
      { what: 'the processes have proved the other KEK', timeoutMs: patienceMs, everyMs: 200 },
    );
    for (const { tenantId, id } of steady)
      await unlessPaused(() => vault.get({ target: 'secrets', tenantId, id }));
    const before = await fingerprint();
    const counts = { reads: 0, writes: 0, rotations: 0 };
    let isOver = false;
    const troubles: unknown[] = [];
    const going = async (work: (n: number) => Promise<void>): Promise<void> => {
      for (let n = 0; !isOver; n += 1) {
        await unlessPaused(() => work(n)).catch((error: unknown) => troubles.push(error));
        await sleep(2);
      }
    };
    const at = <T>(list: readonly T[], n: number): T => list[n % list.length] as T;
    const rotated = new Set(rotating.map(({ tenantId }) => tenantId.replaceAll('-', '')));
    const unwrapsBefore = unwrapsOf(keks, rotated);
    const going3 = [
      going(async (n) => {
        const { tenantId, id } = at(steady, n * 7);
        const value = await vault.get({ target: 'secrets', tenantId, id });
        assert.ok(value?.equals(secretOf(id)));
        counts.reads += 1;
      }),
      going(async (n) => {
        const { tenantId, id } = at(written, n);
        await vault.put({ target: 'secrets', tenantId, id, value: secretOf(id) });
        counts.writes += 1;
      }),
      going(async (n) => {
        const { tenantId } = at(rotating, n);
        const { rotationId } = (await rekey.rotate(tenantId)).body.data;
        assert.equal((await rekey.ended(rotationId, { timeoutMs: patienceMs })).status, 'completed');
        counts.rotations += 1;
      }),
    ];
    const began = performance.now();
    const { rewrapId } = await ask('POST', 'kek/rewrap', { all: true, kek: to, callsPerSecondMax: 10_000 });
    const stands = (): Promise<Rewrap> => ask('GET', `kek/rewraps/${rewrapId}`);
    const half = await until(
      async () => {
        const now = await stands();
        return now.keysRewrapped > 0 || now.status !== 'in_progress' ? now : undefined;
      },
      { what: 'it goes forward', timeoutMs: patienceMs, everyMs: 10 },
    );
    first.kill('SIGKILL');
    await first.exited;
    await rekey.addWorker({ KEK_URI: to === 'aws' ? awsUri : localUri });
    const ended = await until(
      async () => {
        const now = await stands();
        return now.status === 'in_progress' ? undefined : now;
      },
      { what: 'the rewrap has ended', timeoutMs: Math.max(patienceMs, tenants * msForEach), everyMs: 200 },
    );
    const seconds = (performance.now() - began) / 1_000;
    await until(() => counts.rotations > 0, { what: 'a rotation went on beside it', timeoutMs: patienceMs });
    isOver = true;
    await Promise.all(going3);
    assert.deepEqual(troubles, []);
    assert.deepEqual([ended.status, ended.keysSetAside, ended.keysRemaining], ['completed', 0, 0]);
    assert.equal(ended.fingerprintAfter, ended.fingerprintBefore);
    assert.equal(await fingerprint(), before, 'what must not change is as it was, to the byte');
    const unwraps = unwrapsOf(keks, rotated) - unwrapsBefore;
    assert.equal(unwraps, 0, 'no DEK at hand is unwrapped because of it');
    const { rows } = await store.query('select kek_id from rekey.keks_in_use()');
    assert.deepEqual(
      rows.map(({ kek_id }) => kek_id),
      [keks[to].id],
    );

    // The old KEK can go: processes that never had it open and rotate everything.
    for (const worker of rekey.workers.splice(0)) await worker.stop();
    await rekey.addWorker(
      to === 'aws'
        ? { KEK_URI: awsUri, KEKS: `aws=${awsUri}` }
        : { KEK_URI: localUri, KEKS: `local=${localUri}` },
    );
    const without = createVault({ store, kek: keks[to], prefetch: false, report: false });
    for (const { tenantId, id } of all.slice(0, 200))
      assert.ok((await without.get({ target: 'secrets', tenantId, id }))?.equals(secretOf(id)));
    await without.close();
    const { rotationId } = (await rekey.rotate(rotating[0]?.tenantId ?? '')).body.data;
    assert.equal((await rekey.ended(rotationId)).status, 'completed', `without ${from}`);
    for (const worker of rekey.workers.splice(0)) await worker.stop();
    ways.push({
      to,
      seconds: Math.round(seconds * 10) / 10,
      kmsCalls: ended.kmsCalls,
      ...counts,
      unwraps,
      killedAt: `${half.keysRewrapped} of ${tenants}`,
    });
  }
  return { tenants, ways };
}

/** A vault holds 10,000 DEKs, those of rotations among them: what it has to drop it unwraps anew, and not because of a rewrap. */
const readMax = 9_000;
/** A run of ten minutes meets whatever else the machine has to do: what is late by that fails nothing, what is lost does. */
const patienceMs = 600_000;
/** What a slow machine may take for one DEK. */
const msForEach = 200;

const secretOf = (id: string): Buffer => Buffer.from(`the secret of ${id}`);
