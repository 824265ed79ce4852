import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { asKeks, createKeks, createLocalKeyFile, type Kek, openKek } from '@rekey/kms';
import { createVault } from '@rekey/vault';
import { createTestDatabase } from '../harness/database.ts';
import { type Installation, installation } from '../harness/installation.ts';
import { firstValue, type SeededTenant, seedTenant } from '../harness/seed.ts';
import { until } from '../harness/wait.ts';

const folder = await mkdtemp(join(tmpdir(), 'rekey-test-'));
test.after(() => rm(folder, { recursive: true, force: true }));

async function newKek(name: string): Promise<Kek> {
  await createLocalKeyFile(join(folder, name));
  return openKek(`local:${join(folder, name)}`);
}

/** A tenant whose application wraps under `kek`, and can open what the others made. */
async function tenantUnder(rekey: Installation, kek: Kek, records: number): Promise<SeededTenant> {
  const vault = createVault({ store: rekey.store, kek: createKeks(kek, rekey.kek), prefetch: false });
  try {
    return await seedTenant(vault, records);
  } finally {
    await vault.close();
  }
}

const keksOf = async ({ store }: Installation, tenantId: string): Promise<string[]> =>
  (
    await store.query<{ kek_id: string }>(
      `select m.kek_id from rekey.dek_material m join rekey.deks d on d.id = m.dek_id
       where d.tenant_id = $1 order by d.key_number`,
      [tenantId],
    )
  ).rows.map(({ kek_id }) => kek_id);

const waitingOf = async ({ store }: Installation, rotationId: string) =>
  (
    await store.query<{
      status: string;
      waiting_for: string;
      waiting_detail: { what: string; todo: string };
    }>('select status, waiting_for, waiting_detail from rekey.rotations where id = $1', [rotationId.slice(4)])
  ).rows[0];

test('without the KEK of its DEK a rotation waits, says which, and goes on where a worker has it', async (t) => {
  const own = await createTestDatabase(t);
  const rekey = await installation({ databaseUrl: own.url, workers: 0 }, t);
  const a = rekey.kek;
  const b = await newKek('b');
  const underA = await rekey.seedTenant(17);
  const underB = await tenantUnder(rekey, b, 34);
  const onlyA = await rekey.addWorker();
  const waiting = (await rekey.rotate(underB.tenantId)).body.data;
  const other = (await rekey.rotate(underA.tenantId)).body.data;
  assert.equal((await rekey.ended(other.rotationId)).status, 'completed');

  const said = await until(
    async () => {
      const now = await waitingOf(rekey, waiting.rotationId);
      return now?.waiting_for === 'kms' ? now : undefined;
    },
    { what: 'it waits for the KMS' },
  );
  assert.match(
    said.waiting_detail.what,
    new RegExp(`is wrapped under KEK ${b.id}, which this process does not have`),
  );
  assert.match(said.waiting_detail.todo, /KEK_URIS_UNWRAP_ONLY/);
  assert.ok(!JSON.stringify(said).includes(folder), 'where keys lie is no business of callers');
  const line = onlyA
    .logs()
    .split('\n')
    .find((one) => one.includes('"msg":"rotation waits"'));
  assert.match(line ?? '', new RegExp(`"kek":"${b.id}"`));
  assert.match(line ?? '', /"code":"NOT_HELD"/);

  // Longer than anything that a KMS says ends a rotation after.
  await rekey.store.query(
    `update rekey.rotations set started_at = started_at - interval '48 hours',
       phase_times = jsonb_set(phase_times, '{activating}', to_jsonb((phase_times ->> 'activating')::timestamptz - interval '48 hours'))
     where id = $1`,
    [waiting.rotationId.slice(4)],
  );
  const tries = (): number => onlyA.logs().match(/"msg":"rotation waits"/g)?.length ?? 0;
  const before = tries();
  await until(() => tries() > before, { what: 'it is tried again', timeoutMs: 30_000 });
  assert.equal((await rekey.status(waiting.rotationId)).body.data.status, 'in_progress');

  const both = await rekey.addWorker({ KEK_URIS_UNWRAP_ONLY: b.uri });
  assert.match(both.logs(), new RegExp(`"keks":"${a.id} ${b.id}"`));
  const began = performance.now();
  const ended = await rekey.ended(waiting.rotationId, { timeoutMs: 60_000 });
  t.diagnostic(`completed ${Math.round(performance.now() - began)} ms after a worker with both was there`);
  assert.deepEqual([ended.status, ended.waitingFor, ended.failureReason], ['completed', null, null]);
  // The new DEK is under the KEK that wraps, so that an application that has only that one reads again.
  assert.deepEqual(await keksOf(rekey, underB.tenantId), [b.id, a.id]);
  for (const { target, id } of underB.records)
    assert.ok((await rekey.vault.get({ target, tenantId: underB.tenantId, id }))?.equals(firstValue(id)));
});

test('ranges that are spread over workers are swept by those that have the KEKs', async (t) => {
  const rekey = await installation({ workers: 0 }, t);
  const b = await newKek('b-large');
  await rekey.seedTenant(17);
  const large = await tenantUnder(rekey, b, 45_000);
  await rekey.addWorker();
  await rekey.addWorker({ KEK_URIS_UNWRAP_ONLY: ` ${b.uri}, ${b.uri}` });
  const { rotationId } = (await rekey.rotate(large.tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId, { timeoutMs: 120_000 })).status, 'completed');
  assert.equal(await rekey.leftOnOlderKeys(large.tenantId), 0);
});

test('a KEK is exchanged by rotating: the next one wraps, the one before unwraps until no DEK is under it', async (t) => {
  const rekey = await installation({ workers: 0 }, t);
  const tenant = await rekey.seedTenant(17);
  const next = await newKek('next');
  const moved = join(folder, 'moved');
  await copyFile(rekey.kekFile, moved);
  await rekey.addWorker({ KEK_URI: next.uri, KEK_URIS_UNWRAP_ONLY: `local:${moved}` });
  const { rotationId } = (await rekey.rotate(tenant.tenantId)).body.data;
  assert.equal((await rekey.ended(rotationId)).status, 'completed');
  assert.deepEqual(await keksOf(rekey, tenant.tenantId), [rekey.kek.id, next.id]);
  const { rows: inUse } = await rekey.store.query('select kek_id, deks from rekey.keks_in_use() order by 1');
  assert.deepEqual(
    new Map(inUse.map(({ kek_id, deks }) => [kek_id, deks])),
    new Map([
      [rekey.kek.id, '1'],
      [next.id, '1'],
    ]),
  );
  const [record] = tenant.records;
  assert.ok(record);
  const place = { ...record, tenantId: tenant.tenantId };
  // An application that has only the old one says which it lacks; nothing is called damaged.
  const behind = createVault({ store: rekey.store, kek: rekey.kek, prefetch: false });
  t.after(() => behind.close());
  await assert.rejects(behind.get(place), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'UNAVAILABLE');
    assert.match(error.message, new RegExp(`KEK ${next.id}, which this process does not have`));
    return true;
  });
  const ahead = createVault({ store: rekey.store, kek: asKeks(next), prefetch: false });
  t.after(() => ahead.close());
  assert.ok((await ahead.get(place))?.equals(firstValue(record.id)));
});

test('a KEK that is to unwrap is opened and judged at the start like the one that wraps', async (t) => {
  const rekey = await installation({ workers: 0 }, t);
  await rekey.seedTenant(17);
  const start = (KEK_URIS_UNWRAP_ONLY: string): Promise<string> =>
    rekey.addWorker({ KEK_URIS_UNWRAP_ONLY }).then(
      () => 'it started',
      (error: Error) => error.message,
    );
  const none = join(folder, randomUUID());
  assert.match(await start(`local:${none}`), /config: KEK_URIS_UNWRAP_ONLY: KEK file .*: not there/);
  assert.match(await start('pkcs11-x:y'), /config: KEK_URIS_UNWRAP_ONLY: KEK: the URI must begin with/);
  // Another key where one lay that DEKs are wrapped under.
  const b = await newKek('b-replaced');
  await tenantUnder(rekey, b, 17);
  await writeFile(join(folder, 'b-replaced'), randomBytes(32));
  assert.match(
    await start(b.uri),
    new RegExp(
      `config: KEK_URIS_UNWRAP_ONLY: ${b.uri} holds another KEK than .* there: local:[0-9a-f]{16}, not ${b.id}`,
    ),
  );
  assert.match(await start('nonsense'), /config: KEK_URIS_UNWRAP_ONLY is malformed/);
});
