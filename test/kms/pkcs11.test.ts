import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rmdir, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { dekWrapAad, generateDek } from '@rekey/envelope';
import { openKek } from '@rekey/kms';
import { skipWithoutSoftHsm } from '../harness/softhsm.ts';
import { aad, dekId, openedInToken, tenantId } from '../harness/token-kek.ts';
import { refusal } from './key-files.ts';

const skip = skipWithoutSoftHsm;

test('a DEK unwraps to what was wrapped, in memory of its own, also many at once', { skip }, async (t) => {
  const { kek } = await openedInToken(t, 'aes');
  assert.equal(kek.id, 'pkcs11:token=rekey;object=kek');
  const deks = Array.from({ length: 20 }, () => generateDek());
  const wrapped = await Promise.all(deks.map((dek) => kek.wrap(dek, aad)));
  assert.equal(new Set(wrapped.map((one) => one.toString('hex'))).size, 20);
  for (const one of wrapped) assert.equal(one.length, 65);
  const back = await Promise.all(wrapped.map((one) => kek.unwrap(one, aad)));
  assert.deepEqual(back, deks);
  assert.equal(back[0]?.buffer.byteLength, 32);
});

test('another context, another key and damage are refused', { skip }, async (t) => {
  const { hsm, kek } = await openedInToken(t, 'aes');
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  for (const other of [dekWrapAad(randomUUID(), dekId), dekWrapAad(tenantId, randomUUID()), Buffer.from('x')])
    await assert.rejects(kek.unwrap(wrapped, other), refusal('CORRUPT', /copied from another tenant/));
  await hsm.newKey('other');
  const another = await openKek(hsm.uri('other'));
  t.after(() => another.close());
  await assert.rejects(another.unwrap(wrapped, aad), refusal('CORRUPT', /of another key/));
  for (let at = 0; at < wrapped.length; at += 1) {
    const damaged = Buffer.from(wrapped);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
    await assert.rejects(kek.unwrap(damaged, aad), refusal('CORRUPT', /^wrapped DEK: /), `${at}`);
  }
  assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
});

test('a wrong PIN is denied and shown to the token once; the right one in its file is taken', {
  skip,
}, async (t) => {
  const { hsm, kek } = await openedInToken(t, 'aes');
  await kek.close();
  const wrong = `${hsm.pinFile}-wrong`;
  await writeFile(wrong, 'hunter2', { mode: 0o600 });
  const other = await openKek(hsm.uri().replace(hsm.pinFile, wrong));
  t.after(() => other.close());
  await assert.rejects(other.wrap(generateDek(), aad), refusal('DENIED', /: CKR_PIN_INCORRECT$/));
  await assert.rejects(other.wrap(generateDek(), aad), refusal('DENIED', /not tried twice$/));
  await rename(hsm.pinFile, wrong);
  const dek = generateDek();
  assert.deepEqual(await other.unwrap(await other.wrap(dek, aad), aad), dek);
  const none = await openKek(hsm.uri());
  t.after(() => none.close());
  await assert.rejects(none.wrap(dek, aad), refusal('UNAVAILABLE', /cannot be read \(ENOENT\)$/));
});

test('a key that is gone is not found; a token that is gone is waited for, and found again', {
  skip,
}, async (t) => {
  const { hsm, kek } = await openedInToken(t, 'aes');
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  await kek.close();
  await rename(hsm.tokens, `${hsm.tokens}-away`);
  const again = await openKek(hsm.uri());
  t.after(() => again.close());
  await assert.rejects(again.unwrap(wrapped, aad), refusal('UNAVAILABLE', /: CKR_GENERAL_ERROR$/));
  await mkdir(hsm.tokens);
  await assert.rejects(again.unwrap(wrapped, aad), refusal('UNAVAILABLE', /the token is not there$/));
  await rmdir(hsm.tokens);
  await rename(`${hsm.tokens}-away`, hsm.tokens);
  assert.deepEqual(await again.unwrap(wrapped, aad), dek);
  await hsm.deleteKey();
  await assert.rejects(again.unwrap(wrapped, aad), refusal('NOT_FOUND', /no such key$/));
  await again.close();
  await assert.rejects(again.wrap(dek, aad), refusal('UNAVAILABLE', /closed/));
});

test('a token that goes away under an open session is found again, without a restart', {
  skip,
}, async (t) => {
  const { hsm, kek } = await openedInToken(t, 'aes');
  const dek = generateDek();
  const wrapped = await kek.wrap(dek, aad);
  for (let times = 0; times < 2; times += 1) {
    await rename(hsm.tokens, `${hsm.tokens}-away`);
    await mkdir(hsm.tokens);
    await assert.rejects(kek.unwrap(wrapped, aad), refusal('UNAVAILABLE'));
    await rmdir(hsm.tokens);
    await rename(`${hsm.tokens}-away`, hsm.tokens);
    assert.deepEqual(await kek.unwrap(wrapped, aad), dek);
  }
});

test('a key that can be extracted, of another size, or one of several is refused', { skip }, async (t) => {
  const { hsm } = await openedInToken(t, 'aes');
  await hsm.newKey('open', { extractable: true });
  await hsm.newKey('short', { bits: 128 });
  await hsm.newKey('twice');
  await hsm.newKey('twice');
  for (const [object, says] of [
    ['open', /can be extracted/],
    ['short', /no AES key of 256 bits/],
    ['twice', /several such keys/],
  ] as const) {
    const kek = await openKek(hsm.uri(object));
    t.after(() => kek.close());
    await assert.rejects(kek.wrap(generateDek(), aad), refusal('DENIED', says));
  }
});

test('a URI that could run, load or reveal anything else is refused, and repeated nowhere', {
  skip,
}, async () => {
  const good = 'token=rekey;object=kek?module-path=/usr/lib/x.so';
  for (const rest of [
    '',
    'token=hunter2',
    'object=kek?module-path=/usr/lib/x.so',
    `${good}&pin-value=hunter2`,
    `${good}&PIN-VALUE=hunter2`,
    `${good}&pin-source=|cat hunter2`,
    `${good}&pin-source=file:hunter2`,
    `${good}&pin-source=http://hunter2/`,
    `${good}&module-path=/hunter2.so`,
    `${good}&module-name=hunter2`,
    `${good}#hunter2`,
    `slot-id=0;${good}`,
    `token=hunter2;${good}`,
    'token=rekey;object=kek?module-path=hunter2.so',
    'token=rekey;object=kek?module-path=/a%00hunter2',
    'token=rekey;object=kek;type=public?module-path=/usr/lib/x.so',
    'token=rekey;object=kek;type=cert?module-path=/usr/lib/x.so',
    'token=rekey;object=kek;type=undefined?module-path=/usr/lib/x.so',
    '//user:hunter2@host/key',
  ])
    await assert.rejects(openKek(`pkcs11:${rest}`), (error) => {
      assert.ok(refusal('INVALID_URI', /^KEK: the URI of a PKCS #11 key/)(error), rest);
      return error instanceof Error && !error.message.includes('hunter2');
    });
  await assert.rejects(
    openKek('pkcs11:token=a;object=b?module-path=/none.so'),
    refusal('INVALID_URI', /not there$/),
  );
});
