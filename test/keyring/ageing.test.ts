import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadDeks } from '@rekey/control';
import { dekWrapAad } from '@rekey/envelope';
import { createKeyring } from '@rekey/keyring';
import { asKeks, createKeks, type Kek, KmsError } from '@rekey/kms';
import { refusalKeptMs } from '@rekey/times';
import { kmsAway, testKek } from '../harness/kek.ts';
import { rotationCore } from '../harness/rotation.ts';
import { upToThreeTimes } from '../harness/tries.ts';
import { until } from '../harness/wait.ts';

const core = await rotationCore();
const { store, kek } = core;
/** As short as a busy machine allows. */
const dekAgeMaxMs = 1_500;
const ageing = (on = store, dekAgeMaxMsWhileAway = dekAgeMaxMs) =>
  createKeyring({ store: on, keks: asKeks(kek), dekAgeMaxMs, dekAgeMaxMsWhileAway });

/** As a rewrap leaves it. */
async function rewrapTo(other: Kek, tenantId: string): Promise<void> {
  const [stored] = await loadDeks(store, tenantId);
  assert.ok(stored);
  const aad = dekWrapAad(tenantId, stored.id);
  const wrapped = await other.wrap(await kek.unwrap(stored.wrapped, aad), aad);
  await core.pool.query(
    `update rekey.dek_material set wrapped = $2, kek_id = $3, kek_uri = $4, wrap_version = wrap_version + 1
     where dek_id = $1`,
    [stored.id, wrapped, other.id, other.uri],
  );
}

const back = async (): Promise<void> => {};
const refuses = async (): Promise<void> => {
  throw new KmsError('DENIED', 'the KMS refuses');
};

/** Uses the DEK all the while; whether it was at hand each time. */
async function useFor(ms: number, use: () => unknown): Promise<boolean> {
  const began = performance.now();
  while (performance.now() - began < ms) {
    if (use() === undefined) return false;
    await sleep(20);
  }
  return true;
}

test('a DEK that is used is unwrapped again in time and stays the same; one that is not goes when it is too old', (t) =>
  upToThreeTimes(t, async () => {
    const [busy, idle] = [await core.createTenant(), await core.createTenant()];
    const keyring = ageing();
    t.after(() => keyring.close());
    const [dek] = await Promise.all([keyring.byNumber(busy, 1), keyring.byNumber(idle, 1)]);
    const { unwrap } = kek.calls;
    assert.ok(await useFor(3 * dekAgeMaxMs, () => keyring.atHand(busy, 1)));
    assert.equal(keyring.atHand(busy, 1)?.key, dek?.key);
    const unwraps = kek.calls.unwrap - unwrap;
    assert.ok(unwraps >= 3 && unwraps <= 6, `${unwraps}`);
    assert.equal(keyring.knows(busy), true);
    assert.equal(keyring.knows(idle), false);
    assert.equal(keyring.atHand(idle, 1), undefined);
  }));

test('while the KMS is away DEKs go on, for so long and no longer, and one of them asks for all', (t) =>
  upToThreeTimes(t, async () => {
    const tenants = await Promise.all(Array.from({ length: 5 }, () => core.createTenant()));
    const keyring = ageing(store, 4 * dekAgeMaxMs);
    t.after(() => {
      keyring.close();
      kek.beforeUnwrap = back;
    });
    await Promise.all(tenants.map((tenantId) => keyring.byNumber(tenantId, 1)));
    const [first = '', ...others] = tenants;
    const began = performance.now();
    kek.beforeUnwrap = kmsAway;
    // It is the used one that finds out; the others are not used at all.
    assert.ok(await useFor(3 * dekAgeMaxMs, () => keyring.atHand(first, 1)));
    assert.ok(others.every((tenantId) => keyring.atHand(tenantId, 1) !== undefined));
    const { unwrap } = kek.calls;
    await until(() => tenants.every((tenantId) => keyring.atHand(tenantId, 1) === undefined), {
      what: 'all are gone',
      everyMs: 10,
    });
    const took = performance.now() - began;
    assert.ok(took > 3.5 * dekAgeMaxMs && took < 4.5 * dekAgeMaxMs, `${took} ms`);
    // By each turn of a tenth of the age, one; not five.
    assert.ok(kek.calls.unwrap - unwrap <= 16, `${kek.calls.unwrap - unwrap}`);
    await assert.rejects(keyring.byNumber(first, 1), { code: 'UNAVAILABLE' });
    kek.beforeUnwrap = back;
    assert.notEqual(await keyring.byNumber(first, 1), null);
  }));

test('a KMS that is back serves nobody a moment without; DEKs that nobody used meanwhile are let go', (t) =>
  upToThreeTimes(t, async () => {
    const [busy, idle] = [await core.createTenant(), await core.createTenant()];
    const keyring = ageing(store, 60_000);
    t.after(() => {
      keyring.close();
      kek.beforeUnwrap = back;
    });
    await Promise.all([keyring.byNumber(busy, 1), keyring.byNumber(idle, 1)]);
    kek.beforeUnwrap = kmsAway;
    assert.ok(await useFor(2 * dekAgeMaxMs, () => keyring.atHand(busy, 1)));
    assert.equal(keyring.knows(idle), true);
    kek.beforeUnwrap = back;
    assert.ok(await useFor(2 * dekAgeMaxMs, () => keyring.atHand(busy, 1)));
    assert.equal(keyring.knows(idle), false);
  }));

test('a KEK that refuses a DEK is asked for it once in a second, by however many; others are not held up, and it is given back', async (t) => {
  const [refused, other] = [await core.createTenant(), await core.createTenant()];
  const keyring = createKeyring({ store, keks: asKeks(kek) });
  t.after(() => {
    keyring.close();
    kek.beforeUnwrap = back;
  });
  for (const code of ['DENIED', 'NOT_FOUND'] as const) {
    kek.beforeUnwrap = async () => {
      throw new KmsError(code, 'the KMS refuses');
    };
    const { unwrap } = kek.calls;
    const began = performance.now();
    for (let n = 0; n < 50; n += 1) await assert.rejects(keyring.byNumber(refused, 1), { code });
    const seconds = (performance.now() - began) / refusalKeptMs;
    const asked = kek.calls.unwrap - unwrap;
    assert.ok(asked >= 1 && asked <= 1 + seconds, `${asked} calls in ${seconds} s`);
    kek.beforeUnwrap = back;
    assert.notEqual(await keyring.byNumber(other, 1), null);
    await until(() => keyring.byNumber(refused, 1).catch(() => undefined), { what: 'it is given back' });
    keyring.close();
  }
  // What passes is asked for each time: nobody has to be waited for.
  const fresh = ageing();
  t.after(() => fresh.close());
  kek.beforeUnwrap = kmsAway;
  const { unwrap } = kek.calls;
  for (let n = 0; n < 3; n += 1) await assert.rejects(fresh.byNumber(refused, 1), { code: 'UNAVAILABLE' });
  assert.equal(kek.calls.unwrap - unwrap, 3);
});

test('a KMS that refuses ends DEKs when they are too old, also when it was away before, and others go on', (t) =>
  upToThreeTimes(t, async () => {
    const [a, b] = [await core.createTenant(), await core.createTenant()];
    const other = await testKek();
    const both = createKeyring({
      store,
      keks: createKeks(kek, other),
      dekAgeMaxMs,
      dekAgeMaxMsWhileAway: 60_000,
    });
    t.after(() => {
      both.close();
      kek.beforeUnwrap = back;
    });
    kek.beforeUnwrap = back; // whatever a try before this one left
    await rewrapTo(other, b);
    await Promise.all([both.byNumber(a, 1), both.byNumber(b, 1)]);
    for (const before of ['away', 'well'] as const) {
      if (before === 'away') {
        kek.beforeUnwrap = kmsAway;
        assert.ok(await useFor(2 * dekAgeMaxMs, () => both.atHand(a, 1) && both.atHand(b, 1)));
      }
      const began = performance.now();
      kek.beforeUnwrap = refuses;
      // The other one is used all the while: what nobody uses grows too old by itself.
      await until(() => both.atHand(b, 1) !== undefined && both.atHand(a, 1) === undefined, {
        what: 'it is gone',
        everyMs: 10,
      });
      const took = performance.now() - began;
      const [least, most] = before === 'away' ? [0, 0.4] : [0.45, 1.2];
      assert.ok(took >= least * dekAgeMaxMs && took < most * dekAgeMaxMs, `${before}: ${took} ms`);
      await assert.rejects(both.byNumber(a, 1), { code: 'DENIED' });
      assert.notEqual(both.atHand(b, 1), undefined);
      // Away again, what was refused is not had of memory; once it is asked for again.
      kek.beforeUnwrap = kmsAway;
      assert.ok(await useFor(refusalKeptMs, () => both.atHand(b, 1)));
      await assert.rejects(both.byNumber(a, 1), { code: 'UNAVAILABLE' });
      kek.beforeUnwrap = back;
      assert.notEqual(await both.byNumber(a, 1), null);
    }
  }));

test('a DEK that was rewrapped meanwhile is unwrapped under its new KEK, and its ciphers go on', (t) =>
  upToThreeTimes(t, async () => {
    const tenantId = await core.createTenant();
    const other = await testKek();
    const keyring = createKeyring({ store, keks: createKeks(kek, other), dekAgeMaxMs });
    t.after(() => {
      keyring.close();
      kek.beforeUnwrap = back;
    });
    const dek = await keyring.byNumber(tenantId, 1);
    await rewrapTo(other, tenantId);
    kek.beforeUnwrap = refuses;
    assert.ok(await useFor(2 * dekAgeMaxMs, () => keyring.atHand(tenantId, 1)));
    assert.equal(keyring.atHand(tenantId, 1)?.key, dek?.key);
    assert.ok(other.calls.unwrap > 0);
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
