/** A KEK that gives other bytes for a DEK than were stored: nobody uses them. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { cancelRotation, findRewrap, loadDeks, storeMaterial } from '@rekey/control';
import { dekWrapAad } from '@rekey/envelope';
import { createKeyring, makeDek } from '@rekey/keyring';
import { asKeks, createKeks, type Kek, KmsError } from '@rekey/kms';
import { diagnose, rewrapDeks, rotate } from '@rekey/rotation';
import { outcome } from '../harness/vault-errors.ts';
import { until } from '../harness/wait.ts';
import { idle, rewrapping } from '../rewrap/rewrapping.ts';

const { core, old, fresh, begin, claim, environment, keksOf } = await rewrapping();
const { pool, store } = core;

/** Another DEK of 32 bytes while it lies: what a KMS whose answers got mixed up gives. */
function lying(kek: Kek): Kek & { lies: boolean } {
  const given = {
    id: kek.id,
    uri: kek.uri,
    lies: false,
    wrap: (bytes: Buffer, aad: Buffer) => kek.wrap(bytes, aad),
    unwrap: async (wrapped: Buffer, aad: Buffer) => {
      const bytes = await kek.unwrap(wrapped, aad);
      return given.lies ? randomBytes(32) : bytes;
    },
    close: async () => {},
  };
  return given;
}

const mismatch = (error: unknown): boolean => error instanceof KmsError && error.code === 'MISMATCH';

test('a vault says KEY_MISMATCH, has sealed and opened nothing, and goes on when the right bytes come', async () => {
  const { tenantId, ids } = await core.tenantWith(1);
  const kek = lying(old);
  const vault = core.anotherVault({ kek });
  const record = { target: 'secrets', tenantId, id: ids[0] ?? '' };
  const sealed = async (): Promise<unknown> =>
    (await pool.query('select ciphertext from secrets where id = $1', [record.id])).rows[0].ciphertext;
  const before = await sealed();
  kek.lies = true;
  assert.equal(await outcome(vault.get(record)), 'KEY_MISMATCH');
  assert.equal(await outcome(vault.put({ ...record, value: Buffer.from('new') })), 'KEY_MISMATCH');
  assert.deepEqual(await sealed(), before);
  kek.lies = false;
  assert.equal(await outcome(vault.put({ ...record, value: Buffer.from('new') })), 'done');
  assert.equal((await vault.get(record))?.toString(), 'new');
});

test('a rotation waits for the KMS and says which DEK it was; nothing is switched', async () => {
  const { tenantId } = await core.tenantWith(1);
  const kek = lying(old);
  const keks = createKeks(kek);
  const rotationId = await core.start(tenantId);
  const env = core.environment({ keks, keyring: createKeyring({ store, keks }) });
  kek.lies = true;
  const { newDekId, previousDekId } = await core.view(rotationId);
  let met: unknown;
  await rotate(env, rotationId, idle).catch((error: unknown) => {
    met = error;
  });
  assert.ok(mismatch(met), String(met));
  const trouble = diagnose(met);
  assert.equal(trouble.kind, 'permanent');
  const waits = trouble.kind === 'permanent' ? trouble.meanwhile : undefined;
  assert.equal(waits?.waitingFor, 'kms');
  assert.ok(previousDekId !== null && waits?.detail?.what.includes(previousDekId));
  assert.equal((await core.view(rotationId)).switchedAt, null);
  assert.notEqual((await core.activeKey(tenantId)).id, newDekId);
  kek.lies = false;
  assert.equal(await rotate(env, rotationId, idle), 'done');
});

test('a new DEK that does not come back as it was made is not switched to', async () => {
  const tenantId = await core.createTenant();
  const rotationId = await core.start(tenantId);
  const kek = lying(old);
  const keks = createKeks(kek);
  const env = core.environment({ keks, keyring: createKeyring({ store, keks }) });
  // The previous one is had before the new one is made.
  const wrap = kek.wrap;
  Object.assign(kek, {
    wrap: async (bytes: Buffer, aad: Buffer) => {
      const wrapped = await wrap(bytes, aad);
      kek.lies = true;
      return wrapped;
    },
  });
  await assert.rejects(rotate(env, rotationId, idle), (error: Error) => mismatch(error.cause));
  assert.equal((await core.view(rotationId)).switchedAt, null);
});

test('a rewrap brings no other bytes under the new KEK: that DEK is set aside where it is', async () => {
  const tenantId = await core.createTenant();
  const view = await begin({ tenantId });
  const kek = lying(old);
  kek.lies = true;
  assert.equal(await rewrapDeks(environment({ keks: createKeks(kek, fresh) }), await claim(), idle), 'done');
  const ended = await findRewrap(store, view.id);
  assert.equal(ended?.status, 'completed_with_failures');
  assert.deepEqual(await keksOf(tenantId), [old.id]);
});

test('a rewrap puts nothing that the new KEK does not give back as it was: it waits, and says for what', async () => {
  const tenantId = await core.createTenant();
  const view = await begin({ tenantId });
  const kek = lying(fresh);
  kek.lies = true;
  const told: KmsError[] = [];
  const keks = createKeks(old, kek);
  const working = rewrapDeks(
    environment({ keks, onTrouble: (error) => told.push(error) }),
    await claim(),
    idle,
  );
  const seen = await until(
    async () => {
      const now = await findRewrap(store, view.id);
      return now?.waitingFor === 'kek_suspended' ? now : undefined;
    },
    { what: 'it waits' },
  );
  assert.match(String(seen.waitingDetail?.what), /does not unwrap what it has wrapped$/);
  assert.deepEqual(await keksOf(tenantId), [old.id]);
  kek.lies = false;
  assert.equal(await working, 'done');
  assert.deepEqual(await keksOf(tenantId), [fresh.id]);
  assert.deepEqual(
    told.map(({ code, kekId }) => [code, kekId]),
    [['CORRUPT', fresh.id]],
  );
});

test('what a DEK is recognised by is stored with it, never changes, and goes with it', async () => {
  const { tenantId } = await core.tenantWith(1);
  const { id } = await core.activeKey(tenantId);
  const [stored] = await loadDeks(store, tenantId);
  assert.equal(stored?.check?.length, 32);
  for (const statement of [
    'update rekey.dek_checks set check_value = sha256(check_value) where dek_id = $1',
    'delete from rekey.dek_checks where dek_id = $1',
  ])
    await assert.rejects(pool.query(statement, [id]), { code: 'RK002' }, statement);
  await assert.rejects(pool.query('truncate rekey.dek_checks'), { code: 'RK002' });
  // The rotation ends before its switch: its DEK is destroyed, and this with it.
  const rotationId = await core.start(tenantId);
  const { newDekId } = await core.view(rotationId);
  await storeMaterial(store, await makeDek(old, tenantId, newDekId));
  const count = async (): Promise<number> =>
    (await pool.query('select from rekey.dek_checks where dek_id = $1', [newDekId])).rowCount ?? 0;
  assert.equal(await count(), 1);
  await cancelRotation(store, rotationId);
  assert.equal(await count(), 0);
});

test('a DEK that a version before stored has none: nobody can give it one, and it opens', async () => {
  const tenantId = randomUUID();
  const made = await makeDek(old, tenantId, randomUUID());
  await pool.query('select rekey.create_tenant($1, $2, $3, $4, $5, $6)', [
    tenantId,
    'a tenant',
    made.dekId,
    made.kekUri,
    made.wrapped,
    made.kekId,
  ]);
  await pool.query('select rekey.note_dek_check($1, $2, $3)', [made.dekId, made.wrapped, randomBytes(32)]);
  const [stored] = await loadDeks(store, tenantId);
  assert.equal(stored?.check, null);
  await assert.rejects(
    pool.query('insert into rekey.dek_checks values ($1, $2)', [made.dekId, randomBytes(32)]),
    { code: 'RK002' },
  );
  assert.ok(await createKeyring({ store, keks: asKeks(old) }).byNumber(tenantId, 1));
  assert.ok((await old.unwrap(made.wrapped, dekWrapAad(tenantId, made.dekId))).length === 32);
});
