import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { createKeyring } from '@rekey/keyring';
import { createKeks, openKek } from '@rekey/kms';
import { crc32c } from '../harness/fake-gcp-kms.ts';
import { openAll, wrong } from '../harness/opened.ts';
import { rotationCore } from '../harness/rotation.ts';
import { firstValue, seedTenant } from '../harness/seed.ts';
import { skipWithoutSoftHsm } from '../harness/softhsm.ts';
import { aad, dekId, openedInToken, tenantId } from '../harness/token-kek.ts';
import { refusal } from './key-files.ts';

const skip = skipWithoutSoftHsm;

test('a DEK unwraps to what was wrapped, in memory of its own, also many at once', { skip }, async (t) => {
  const { kek } = await openedInToken(t, 'rsa');
  assert.equal(kek.id, 'pkcs11:token=rekey;object=rsa;type=private');
  const deks = Array.from({ length: 20 }, () => generateDek());
  const wrapped = await Promise.all(deks.map((dek) => kek.wrap(dek, aad)));
  assert.equal(new Set(wrapped.map((one) => one.toString('hex'))).size, 20);
  // SoftHSM 2.6.1 has OAEP with SHA-1 only, which stands there as 2.
  for (const one of wrapped) assert.deepEqual([one.length, one[0], one[5]], [332, 4, 2]);
  const back = await Promise.all(wrapped.map((one) => kek.unwrap(one, aad)));
  assert.deepEqual(back, deks);
  assert.equal(back[0]?.buffer.byteLength, 32);
});

test('another context and another key are refused, and told apart', { skip }, async (t) => {
  const { hsm, kek } = await openedInToken(t, 'rsa');
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  for (const other of [dekWrapAad(randomUUID(), dekId), dekWrapAad(tenantId, randomUUID()), Buffer.from('x')])
    await assert.rejects(kek.unwrap(wrapped, other), refusal('CORRUPT', /copied from another tenant/));
  await hsm.newRsaKey('other');
  const another = await openKek(hsm.rsaUri('other'));
  t.after(() => another.close());
  await assert.rejects(another.unwrap(wrapped, aad), refusal('NOT_FOUND', /under another key of that name$/));
  await kek.close();
  await hsm.deleteKey('rsa');
  await hsm.newRsaKey();
  const replaced = await openKek(hsm.rsaUri());
  t.after(() => replaced.close());
  await assert.rejects(
    replaced.unwrap(wrapped, aad),
    refusal('NOT_FOUND', /under another key of that name$/),
  );
});

/** As whoever writes there can have it: with a checksum that fits. */
function altered(wrapped: Buffer, at: number, by = 1): Buffer {
  const other = Buffer.from(wrapped);
  other.writeUInt8(other.readUInt8(at) ^ by, at);
  other.writeUInt32BE(crc32c(other.subarray(5)), 1);
  return other;
}

test('damage in any byte is refused, also under a checksum that fits', { skip }, async (t) => {
  const { kek } = await openedInToken(t, 'rsa');
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  for (let at = 0; at < wrapped.length; at += 1) {
    const damaged = Buffer.from(wrapped);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    await assert.rejects(kek.unwrap(damaged, aad), refusal('CORRUPT', /^wrapped DEK: /), `${at}`);
  }
  for (const other of [Buffer.of(4), Buffer.alloc(332, 4), Buffer.of(), wrapped.subarray(0, -1)])
    await assert.rejects(kek.unwrap(other, aad), refusal('CORRUPT', /not of the form/));
  // The hash, the fingerprint, the length, the wrapped inner key at both ends and within, IV, ciphertext, tag.
  await assert.rejects(kek.unwrap(altered(wrapped, 5, 1 ^ 2), aad), refusal('DENIED', /CKR_ARGUMENTS_BAD$/));
  await assert.rejects(kek.unwrap(altered(wrapped, 5, 8), aad), refusal('CORRUPT', /padding that is not/));
  for (let at = 6; at < 14; at += 1)
    await assert.rejects(kek.unwrap(altered(wrapped, at), aad), refusal('NOT_FOUND'), `${at}`);
  for (const at of [15, 16, 17, 140, 271, 272, 283, 284, 315, 316, 331])
    await assert.rejects(kek.unwrap(altered(wrapped, at), aad), refusal('CORRUPT'), `${at}`);
  assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
});

test('a pair whose public half lies beside it under another key is of no effect', { skip }, async (t) => {
  const { hsm, kek } = await openedInToken(t, 'rsa');
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  // Who has no PIN may remove public objects and put others there.
  await hsm.replacePublicHalf('rsa');
  const again = await openKek(hsm.rsaUri());
  t.after(() => again.close());
  assert.deepEqual(await again.unwrap(wrapped, aad), dek);
  assert.deepEqual(await kek.unwrap(await again.wrap(dek, aad), aad), dek);
});

test('a key that is short, can be extracted, is no RSA key, does not decrypt or is one of several is refused', {
  skip,
}, async (t) => {
  const { hsm } = await openedInToken(t, 'rsa');
  await hsm.newRsaKey('short', { bits: 1_024 });
  await hsm.newRsaKey('open', { extractable: true });
  await hsm.newSigningKey('edwards');
  await hsm.newRsaKey('signs', { decrypts: false });
  await hsm.newRsaKey('twice');
  await hsm.newRsaKey('twice');
  for (const [object, says] of [
    ['short', /no RSA key of 2,048 to 4,096 bits/],
    ['open', /can be extracted/],
    ['edwards', /no RSA key$/],
    ['signs', /CKR_KEY_FUNCTION_NOT_PERMITTED$/],
    ['twice', /several such keys/],
  ] as const) {
    const kek = await openKek(hsm.rsaUri(object));
    t.after(() => kek.close());
    await assert.rejects(kek.wrap(generateDek(), aad), refusal('DENIED', says));
  }
  const none = await openKek(hsm.rsaUri('none'));
  t.after(() => none.close());
  await assert.rejects(none.wrap(generateDek(), aad), refusal('NOT_FOUND', /no such key$/));
  await none.close();
  await assert.rejects(none.wrap(generateDek(), aad), refusal('UNAVAILABLE', /closed/));
});

test('an AES key and a pair of the same label are two KEKs', { skip }, async (t) => {
  const { hsm, kek } = await openedInToken(t, 'rsa');
  await hsm.newKey('rsa');
  const aes = await openKek(hsm.uri('rsa'));
  t.after(() => aes.close());
  assert.notEqual(aes.id, kek.id);
  const dek = generateDek();
  assert.deepEqual(await aes.unwrap(await aes.wrap(dek, aad), aad), dek);
  await assert.rejects(aes.unwrap(await kek.wrap(dek, aad), aad), refusal('CORRUPT', /not of the form/));
});

test('a key of 4,096 bits fits the limit of a wrapped DEK', { skip }, async (t) => {
  const { hsm } = await openedInToken(t, 'rsa');
  await hsm.newRsaKey('long', { bits: 4_096 });
  const kek = await openKek(hsm.rsaUri('long'));
  t.after(() => kek.close());
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  assert.equal(wrapped.length, 588);
  assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
});

test('a rotation moves a tenant from a key file to a pair in a token, and all opens', { skip }, async (t) => {
  const { kek } = await openedInToken(t, 'rsa');
  const core = await rotationCore(t);
  const tenant = await seedTenant(core.vault, 340);
  const keks = createKeks(kek, core.kek);
  Object.assign(core.env, { keks, keyring: createKeyring({ store: core.store, keks }) });
  assert.equal((await core.startAndRotate(tenant.tenantId)).status, 'completed');
  const { rows } = await core.pool.query(
    `select m.kek_id from rekey.deks d join rekey.dek_material m on m.dek_id = d.id
     where d.tenant_id = $1 and d.state = 'active'`,
    [tenant.tenantId],
  );
  assert.deepEqual(rows, [{ kek_id: kek.id }]);
  const values = tenant.records.map(({ target, id }) => [`${target}/${id}`, firstValue(id)] as const);
  assert.deepEqual(wrong(await openAll({ store: core.store, keks }, tenant.tenantId), values), []);
});
