import assert from 'node:assert/strict';
import { generateKeyPairSync, verify } from 'node:crypto';
import { mkdir, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSigningKey } from '@rekey/kms';
import { skipWithoutSoftHsm, startSoftHsm } from '../harness/softhsm.ts';
import { folder, keyFile, refusal } from './key-files.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
const bytes = Buffer.from('a statement');
const skip = skipWithoutSoftHsm;

test('a key file signs, and its public key is shown', async () => {
  const key = await openSigningKey(`file:${await keyFile(pem)}`);
  assert.ok((await key.publicKey()).equals(publicKey));
  assert.ok(verify(null, bytes, publicKey, await key.sign(bytes)));
  await key.close();
});

test('a key file that others can read or write is refused, as one without such a key, and nothing of it is said', async () => {
  for (const mode of [0o644, 0o604, 0o620, 0o602, 0o666])
    await assert.rejects(
      openSigningKey(`file:${await keyFile(pem, mode)}`),
      refusal('DENIED', /^signing key file .* can (read|write) it \(mode/),
    );
  const { privateKey: p256 } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const held = p256.export({ type: 'pkcs8', format: 'pem' });
  for (const [uri, code, message] of [
    [`file:${await keyFile(held)}`, 'CORRUPT', /no Ed25519 key$/],
    [`file:${await keyFile('hunter2 hunter2')}`, 'CORRUPT', /no private key in PKCS#8/],
    [`file:${await keyFile(pem.toString().slice(0, 80))}`, 'CORRUPT', /no private key/],
    [`file:${join(folder, 'none')}`, 'NOT_FOUND', /not there$/],
    [`file:${folder}`, 'INVALID_URI', /a folder, not a file$/],
    ['file:', 'INVALID_URI', /path of a file/],
    ['kms:hunter2', 'INVALID_URI', /must begin with file: or pkcs11:$/],
    ['hunter2', 'INVALID_URI', /must begin/],
  ] as const)
    await assert.rejects(openSigningKey(uri), (error) => {
      assert.ok(!String(error).includes('hunter2') && !String(error).includes('MC4CAQ'));
      return refusal(code, message)(error);
    });
});

test('a key in a token signs, also many at once, and what it signs verifies by its public key', {
  skip,
}, async (t) => {
  const hsm = await startSoftHsm(t);
  Object.assign(process.env, hsm.env);
  await hsm.newSigningKey();
  const key = await openSigningKey(hsm.signingUri());
  t.after(() => key.close());
  const shown = await key.publicKey();
  assert.equal(shown.asymmetricKeyType, 'ed25519');
  const texts = Array.from({ length: 20 }, (_, n) => Buffer.from(`statement ${n} `.repeat(1 + n * 50)));
  const signed = await Promise.all(texts.map((text) => key.sign(text)));
  for (const [n, text] of texts.entries()) {
    assert.ok(verify(null, text, shown, signed[n] ?? Buffer.alloc(0)), `${n}`);
    assert.ok(!verify(null, Buffer.concat([text, Buffer.from('.')]), shown, signed[n] ?? Buffer.alloc(0)));
  }
});

test('a key that can be extracted, of another kind, one of several, or without its public half is refused', {
  skip,
}, async (t) => {
  const hsm = await startSoftHsm(t);
  Object.assign(process.env, hsm.env);
  await hsm.newSigningKey('open', { extractable: true });
  await hsm.newSigningKey('twice');
  await hsm.newSigningKey('twice');
  await hsm.newKey('aes');
  for (const [object, code, says] of [
    ['open', 'DENIED', /can be extracted/],
    ['twice', 'DENIED', /several such keys/],
    ['aes', 'NOT_FOUND', /no such key/],
  ] as const) {
    const key = await openSigningKey(hsm.signingUri(object));
    t.after(() => key.close());
    await assert.rejects(key.sign(bytes), refusal(code, says));
  }
  const module = `module-path=${hsm.module}&pin-source=file:${hsm.pinFile}`;
  await assert.rejects(
    openSigningKey(`pkcs11:token=rekey;object=open;type=secret-key?${module}`),
    refusal('INVALID_URI', /its type must be private/),
  );
});

test('a token that is gone is waited for, and signs again when it is back', { skip }, async (t) => {
  const hsm = await startSoftHsm(t);
  Object.assign(process.env, hsm.env);
  await hsm.newSigningKey();
  await rename(hsm.tokens, `${hsm.tokens}-away`);
  await mkdir(hsm.tokens);
  const key = await openSigningKey(hsm.signingUri());
  t.after(() => key.close());
  await assert.rejects(key.publicKey(), refusal('UNAVAILABLE'));
  await rmdir(hsm.tokens);
  await rename(`${hsm.tokens}-away`, hsm.tokens);
  assert.ok(verify(null, bytes, await key.publicKey(), await key.sign(bytes)));
  await hsm.deleteKey('signing');
  await assert.rejects(key.sign(bytes), refusal('NOT_FOUND', /no such key$/));
});
