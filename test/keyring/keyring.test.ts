import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKeyring, type Keyring, makeDek, tryDek } from '@rekey/keyring';
import { asKeks, KmsError } from '@rekey/kms';
import { kmsAway } from '../harness/kek.ts';
import { readyToSwitch, rotationCore } from '../harness/rotation.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, kek } = core;
const cold = (deksMax?: number): Keyring =>
  createKeyring({ store, keks: asKeks(kek), ...(deksMax === undefined ? {} : { deksMax }) });

/** As a KMS is: others ask while it thinks. */
const slow = (): Promise<void> => sleep(100);

async function unwrapsOf(work: () => Promise<unknown>): Promise<number> {
  const before = kek.calls.unwrap;
  await work();
  return kek.calls.unwrap - before;
}

test('a key is unwrapped once, however many ask for it at once and by whichever name', async () => {
  const tenantId = await core.createTenant();
  const { rows } = await store.query('select id from rekey.deks where tenant_id = $1', [tenantId]);
  const keyring = cold();
  kek.beforeUnwrap = slow;
  const unwraps = await unwrapsOf(async () => {
    const asked = Array.from({ length: 50 }, () => [
      keyring.byNumber(tenantId, 1),
      keyring.byId(tenantId, rows[0]?.id),
    ]).flat();
    const deks = new Set(await Promise.all(asked));
    assert.equal(deks.size, 1);
  });
  kek.beforeUnwrap = async () => {};
  assert.equal(unwraps, 1);
});

test('a key that is at hand needs neither Postgres nor the KMS', async () => {
  const tenantId = await core.createTenant();
  const keyring = cold();
  assert.equal(keyring.atHand(tenantId, 1), undefined);
  assert.equal(keyring.knows(tenantId), false);
  const dek = await keyring.byNumber(tenantId, 1);
  assert.equal(keyring.atHand(tenantId, 1), dek);
  assert.equal(keyring.knows(tenantId), true);
});

test('a failed unwrap is told to all who wait for it, and tried again by the next', async (t) => {
  const tenantId = await core.createTenant();
  const keyring = cold();
  t.after(() => {
    kek.beforeUnwrap = async () => {};
  });
  let asked = 0;
  kek.beforeUnwrap = async () => {
    asked += 1;
    await until(() => waiting, { what: 'others wait for the same unwrap' });
    await kmsAway();
  };
  let waiting = false;
  const gets = [1, 2, 3].map(() => keyring.byNumber(tenantId, 1));
  const settling = Promise.allSettled(gets);
  await until(() => asked > 0, { what: 'the KMS is asked' });
  waiting = true;
  for (const settled of await settling) {
    assert.ok(settled.status === 'rejected' && settled.reason instanceof KmsError);
  }
  kek.beforeUnwrap = async () => {};
  assert.equal(await unwrapsOf(() => keyring.byNumber(tenantId, 1)), 1);
});

test('the key that was not used for longest goes first, and its tenant is forgotten with its last', async () => {
  const [a, b, c] = [await core.createTenant(), await core.createTenant(), await core.createTenant()];
  const keyring = cold(2);
  await keyring.byNumber(a, 1);
  await keyring.byNumber(b, 1);
  keyring.atHand(a, 1); // used again
  await keyring.byNumber(c, 1);
  assert.deepEqual(
    [a, b, c].map((tenant) => keyring.knows(tenant)),
    [true, false, true],
  );
  assert.equal(await unwrapsOf(() => keyring.byNumber(b, 1)), 1);
});

test('fetching ahead brings the DEKs that are about to become active, and only those', async () => {
  const tenantId = await core.createTenant();
  const keyring = cold();
  await keyring.fetchAhead(tenantId);
  await readyToSwitch(core, tenantId);
  await keyring.fetchAhead(tenantId);
  assert.equal(keyring.atHand(tenantId, 1), undefined);
  assert.equal(keyring.atHand(tenantId, 2)?.keyNumber, 2);
});

test('what is not there, or has no material, is null; what is not of the tenant, too', async () => {
  const [tenantId, other] = [await core.createTenant(), await core.createTenant()];
  const { rows } = await store.query('select id from rekey.deks where tenant_id = $1', [other]);
  const keyring = cold();
  await core.start(tenantId); // reserves number 2, without material
  assert.equal(await keyring.byNumber(tenantId, 2), null);
  assert.equal(await keyring.byNumber(tenantId, 9), null);
  assert.equal(await keyring.byId(tenantId, randomUUID()), null);
  assert.equal(await keyring.byId(tenantId, rows[0]?.id), null);
});

test('wrapped material copied from another tenant does not unwrap', async () => {
  const [tenantId, other] = [await core.createTenant(), await core.createTenant()];
  await store.query(
    `update rekey.dek_material m set wrap_version = m.wrap_version + 1,
       wrapped = (select wrapped from rekey.dek_material join rekey.deks on id = dek_id where tenant_id = $2)
     from rekey.deks d where d.id = m.dek_id and d.tenant_id = $1`,
    [tenantId, other],
  );
  const unwrapping = cold().byNumber(tenantId, 1);
  await assert.rejects(unwrapping, (error) => error instanceof KmsError && error.code === 'CORRUPT');
});

for (const outcome of ['wrapped', 'refused'] as const) {
  test(`the bytes of a new DEK are zeroed once they are ${outcome}`, async () => {
    let seen: Buffer | undefined;
    let before = Buffer.of();
    const spy = {
      id: 'local:0123456789abcdef',
      uri: 'local:x',
      wrap: async (dek: Buffer): Promise<Buffer> => {
        seen = dek;
        before = Buffer.from(dek);
        if (outcome === 'refused') throw new KmsError('DENIED', 'no');
        return Buffer.from('wrapped');
      },
    };
    const making = makeDek(spy, randomUUID(), randomUUID());
    if (outcome === 'refused') await assert.rejects(making);
    else assert.deepEqual(Object.keys(await making).sort(), ['check', 'dekId', 'kekId', 'kekUri', 'wrapped']);
    assert.notDeepEqual(before, Buffer.alloc(32));
    assert.deepEqual(seen, Buffer.alloc(32));
  });
}

test('a DEK that opens what it sealed is fit to seal', async () => {
  const tenantId = await core.createTenant();
  const dek = await cold().byNumber(tenantId, 1);
  assert.ok(dek !== null && tryDek(tenantId, dek));
});
