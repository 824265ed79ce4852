/** What a destroyed DEK leaves behind in memory: nothing, for as long as said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyring } from '@rekey/keyring';
import { asKeks } from '@rekey/kms';
import { rotationCore } from '../harness/rotation.ts';
import { upToThreeTimes } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, kek } = core;
/** As short as a busy machine allows. */
const dekAgeMaxMs = 1_500;

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

test('a DEK that is destroyed leaves memory in time, though it is used all the while and nobody says so', (t) =>
  upToThreeTimes(t, async () => {
    const tenantId = await rotated();
    const keyring = createKeyring({
      store,
      keks: asKeks(kek),
      dekAgeMaxMs,
      dekAgeMaxMsWhileAway: dekAgeMaxMs,
    });
    t.after(() => keyring.close());
    await Promise.all([keyring.byNumber(tenantId, 1), keyring.byNumber(tenantId, 2)]);
    await destroy(tenantId, 1);
    const began = performance.now();
    await until(() => keyring.atHand(tenantId, 1) === undefined, { what: 'it is gone', everyMs: 10 });
    assert.ok(performance.now() - began < 1.2 * dekAgeMaxMs);
    assert.notEqual(keyring.atHand(tenantId, 2), undefined);
    assert.equal(await keyring.byNumber(tenantId, 1), null);
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
