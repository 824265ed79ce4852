import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { loadDeks } from '@rekey/control';
import { createKeyring, makeDek, proveKeks } from '@rekey/keyring';
import { createKeks, type Kek, KmsError } from '@rekey/kms';
import { kmsAway, testKek } from '../harness/kek.ts';
import { rotationCore } from '../harness/rotation.ts';

const core = await rotationCore();
const { store, kek: a } = core;
const [b, c] = [await testKek(), await testKek()];
const underA = await core.createTenant();
// Of a process that is to make DEKs under another KEK, and can open what is there.
const vaultB = core.anotherVault({ kek: createKeks(b, a) });
const underB = randomUUID();
await vaultB.createTenant({ tenantId: underB, name: 'under B' });

const keyring = (...keks: [Kek, ...Kek[]]) => createKeyring({ store, keks: createKeks(...keks) });
const refused =
  (code: string, message: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof KmsError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };

test('a DEK is stored with the KEK that wrapped it, and unwrapped with that one only', async () => {
  assert.deepEqual(
    (await Promise.all([underA, underB].map((tenantId) => loadDeks(store, tenantId)))).map(
      ([dek]) => dek?.kekId,
    ),
    [a.id, b.id],
  );
  const both = keyring(a, b);
  const before = { a: a.calls.unwrap, b: b.calls.unwrap };
  assert.ok(await both.byNumber(underA, 1));
  assert.deepEqual([a.calls.unwrap, b.calls.unwrap], [before.a + 1, before.b]);
  assert.ok(await both.byNumber(underB, 1));
  assert.deepEqual([a.calls.unwrap, b.calls.unwrap], [before.a + 1, before.b + 1]);
});

test('without the KEK that its row names a DEK is refused by both names, and no other KEK is asked', async () => {
  const before = a.calls.unwrap;
  const [dek] = await loadDeks(store, underB);
  await assert.rejects(keyring(a).byNumber(underB, 1), (error) => {
    assert.ok(refused('NOT_HELD', new RegExp(`^dek-${dek?.id} is wrapped under KEK ${b.id}, which`))(error));
    assert.equal(error instanceof KmsError && error.kekId, b.id);
    return true;
  });
  assert.equal(a.calls.unwrap, before);
});

test('a KEK that was moved is the same one; another key at its place is told apart by both fingerprints', async () => {
  const moved = { ...a, uri: 'local:/somewhere/else' };
  assert.ok(await keyring(moved).byNumber(underA, 1));
  assert.equal(await proveKeks(store, createKeks(moved)), 'proved');
  const inItsPlace = { ...c, uri: a.uri };
  await assert.rejects(
    keyring(inItsPlace).byNumber(underA, 1),
    refused('NOT_HELD', new RegExp(`KEK ${a.id}, .* stands another one, ${c.id}$`)),
  );
  await assert.rejects(
    proveKeks(store, createKeks(inItsPlace)),
    refused('NOT_HELD', new RegExp(`^${a.uri} holds another KEK .*: ${c.id}, not ${a.id}$`)),
  );
  // Whoever says where the key before is now has meant to exchange it.
  assert.equal(await proveKeks(store, createKeks(inItsPlace, moved)), 'proved');
  // Nor is it enough that another KEK of the process is right.
  await assert.rejects(proveKeks(store, createKeks(b, inItsPlace)), refused('NOT_HELD', /holds another KEK/));
});

test('a KEK that is away is asked once for the proof, and another one of the process is proof enough', async (t) => {
  const gone = await testKek(t);
  const others = core.anotherVault({ kek: createKeks(gone, a) });
  for (let n = 0; n < 3; n += 1) await others.createTenant({ tenantId: randomUUID(), name: 'x' });
  gone.beforeUnwrap = kmsAway;
  gone.calls.unwrap = 0;
  await assert.rejects(proveKeks(store, createKeks(gone)), refused('UNAVAILABLE', /away/));
  assert.equal(gone.calls.unwrap, 1);
  assert.equal(await proveKeks(store, createKeks(gone, a)), 'proved');
});

test('a process belongs to the installation by any of its KEKs, and by none it does not', async () => {
  for (const keks of [createKeks(a), createKeks(b), createKeks(c, a), createKeks(a, c)])
    assert.equal(await proveKeks(store, keks), 'proved');
  await assert.rejects(
    proveKeks(store, createKeks(c)),
    refused('NOT_HELD', new RegExp(`wrapped under: ${c.id}, not local:[0-9a-f]{16}, local:`)),
  );
  const mistaken = core.anotherVault({ kek: c });
  await assert.rejects(mistaken.createTenant({ tenantId: randomUUID(), name: 'x' }), { code: 'UNAVAILABLE' });
});

test('what is stored of a new DEK names the KEK that made it, whatever else is told of a local one', async () => {
  const dekId = randomUUID();
  const made = await makeDek(b, randomUUID(), dekId);
  assert.deepEqual([made.kekId, made.kekUri], [b.id, b.uri]);
  const { rows } = await store.query('select rekey.kek_id_of($1, $2, $3) as id', [b.uri, made.wrapped, a.id]);
  assert.equal(rows[0]?.id, b.id);
});
