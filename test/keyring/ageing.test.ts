import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKeyring } from '@rekey/keyring';
import { asKeks } from '@rekey/kms';
import { kmsAway } from '../harness/kek.ts';
import { rotationCore } from '../harness/rotation.ts';
import { upToThreeTimes } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, kek } = core;
/** As short as a busy machine allows. */
const dekAgeMaxMs = 1_500;
const ageing = (on = store) => createKeyring({ store: on, keks: asKeks(kek), dekAgeMaxMs });

async function destroy(tenantId: string, keyNumber: number): Promise<void> {
  await store.query(
    `update rekey.deks set state = 'destroyed', destroyed_at = now() where tenant_id = $1 and key_number = $2`,
    [tenantId, keyNumber],
  );
}

/** A tenant whose DEK 1 protects nothing any more. */
async function rotated(): Promise<string> {
  const { tenantId } = await core.tenantWith(1);
  await core.startAndRotate(tenantId);
  return tenantId;
}

test('a DEK that is used stays at hand without another unwrap; one that is not goes when it is too old', (t) =>
  upToThreeTimes(t, async () => {
    const [busy, idle] = [await core.createTenant(), await core.createTenant()];
    const keyring = ageing();
    t.after(() => keyring.close());
    await Promise.all([keyring.byNumber(busy, 1), keyring.byNumber(idle, 1)]);
    const { unwrap } = kek.calls;
    kek.beforeUnwrap = kmsAway; // a look at the row suffices: no KMS is needed to go on
    t.after(() => {
      kek.beforeUnwrap = async () => {};
    });
    const began = performance.now();
    while (performance.now() - began < 3 * dekAgeMaxMs) {
      assert.ok(keyring.atHand(busy, 1) !== undefined, `${performance.now() - began} ms`);
      await sleep(20);
    }
    assert.equal(kek.calls.unwrap, unwrap);
    assert.equal(keyring.knows(busy), true);
    assert.equal(keyring.knows(idle), false);
    assert.equal(keyring.atHand(idle, 1), undefined);
  }));

test('a DEK that is destroyed leaves memory in time, though it is used all the while and nobody says so', (t) =>
  upToThreeTimes(t, async () => {
    const tenantId = await rotated();
    const keyring = ageing();
    t.after(() => keyring.close());
    await Promise.all([keyring.byNumber(tenantId, 1), keyring.byNumber(tenantId, 2)]);
    await destroy(tenantId, 1);
    const began = performance.now();
    await until(() => keyring.atHand(tenantId, 1) === undefined, { what: 'it is gone', everyMs: 10 });
    assert.ok(performance.now() - began < 1.2 * dekAgeMaxMs);
    assert.notEqual(keyring.atHand(tenantId, 2), undefined);
    assert.equal(await keyring.byNumber(tenantId, 1), null);
  }));

test('without Postgres no DEK is held for longer than it may be', (t) =>
  upToThreeTimes(t, async () => {
    const tenantId = await core.createTenant();
    let away = false;
    const keyring = ageing({
      ...store,
      query: ((...given: Parameters<typeof store.query>) =>
        away ? Promise.reject(new Error('away')) : store.query(...given)) as typeof store.query,
    } as typeof store);
    t.after(() => keyring.close());
    await keyring.byNumber(tenantId, 1);
    away = true;
    const began = performance.now();
    await until(() => keyring.atHand(tenantId, 1) === undefined, { what: 'it is gone', everyMs: 10 });
    const took = performance.now() - began;
    assert.ok(took > 0.8 * dekAgeMaxMs && took < 1.2 * dekAgeMaxMs, `${took} ms`);
  }));

test('a look at a tenant or at all DEKs drops at once what is destroyed, and nothing else', async () => {
  const [a, b] = [await rotated(), await rotated()];
  const keyring = createKeyring({ store, keks: asKeks(kek) });
  const all = [a, b].flatMap((tenantId) => [1, 2].map((keyNumber) => [tenantId, keyNumber] as const));
  await Promise.all(all.map(([tenantId, keyNumber]) => keyring.byNumber(tenantId, keyNumber)));
  const held = (): boolean[] =>
    all.map(([tenantId, keyNumber]) => keyring.atHand(tenantId, keyNumber) !== undefined);
  await keyring.lookAgain();
  assert.deepEqual(held(), [true, true, true, true]);
  await destroy(a, 1);
  await keyring.fetchAhead(a);
  assert.deepEqual(held(), [false, true, true, true]);
  await destroy(b, 1);
  assert.deepEqual(held(), [false, true, true, true]);
  await keyring.lookAgain();
  assert.deepEqual(held(), [false, true, false, true]);
  keyring.close();
  assert.deepEqual(held(), [false, false, false, false]);
});

test('a refresh answers null for a DEK that is destroyed, and drops it', async () => {
  const tenantId = await rotated();
  const keyring = createKeyring({ store, keks: asKeks(kek) });
  const dek = await keyring.byNumber(tenantId, 1);
  const { unwrap } = kek.calls;
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => keyring.refresh(tenantId, 1))), [dek, dek, dek]);
  assert.equal(kek.calls.unwrap, unwrap);
  assert.equal(keyring.atHand(tenantId, 1, dek?.materialId), dek);
  assert.equal(keyring.atHand(tenantId, 1, 'other material'), undefined);
  await destroy(tenantId, 1);
  assert.equal(await keyring.refresh(tenantId, 1), null);
  assert.equal(keyring.atHand(tenantId, 1), undefined);
  assert.equal(await keyring.refresh(tenantId, 9), null);
});
