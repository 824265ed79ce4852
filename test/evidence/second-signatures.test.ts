import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  bundleOf,
  certificateVerify,
  pinnedKey,
  pinnedSecondKey,
  preAuthenticationEncoding,
  seal,
  secondSignerBy,
  signerOf,
  statementOf,
  verifyCertificate,
} from '@rekey/evidence';
import { calculateJwkThumbprint, importJWK } from 'jose';

const first = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ml-dsa-65');
const signer = signerOf(first.privateKey);
const second = secondSignerBy(other.publicKey, async (bytes) => sign(null, bytes, other.privateKey));
const payload = statementOf('rotation', {
  schemaVersion: 1,
  rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
  tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  signedAt: '2026-11-29T01:00:00.000Z',
});
const { dsse, jws } = await seal(payload, signer, second);
const one = await seal(payload, signer);
const keys = [pinnedKey(first.publicKey)];
const secondKeys = [pinnedSecondKey(other.publicKey)];
const jwk = other.publicKey.export({ format: 'jwk' }) as { kty: 'AKP'; alg: 'ML-DSA-65'; pub: string };
const setOf = (times = {}) => ({ keys: [first.publicKey.export({ format: 'jwk' }), { ...jwk, ...times }] });
type Trust = Parameters<typeof verifyCertificate>[1];
/** What is said of the second signature, or why it is refused. */
const saidOf = (text: string, trust: Trust) => {
  const verdict = verifyCertificate(text, trust);
  if (!verdict.verified) return verdict.refusal;
  return verdict.second === null ? 'none' : verdict.second.isVerified;
};

test('both signatures are over the same bytes, and the second is named by its thumbprint', async () => {
  const envelope = JSON.parse(dsse);
  assert.deepEqual(
    envelope.signatures.map(({ keyid }: { keyid: string }) => keyid),
    [signer.kid, second.kid],
  );
  assert.equal(second.kid, await calculateJwkThumbprint(jwk));
  const key = await importJWK(jwk, 'ML-DSA-65');
  const message = preAuthenticationEncoding(envelope.payloadType, payload);
  const signature = Buffer.from(envelope.signatures[1].sig, 'base64');
  assert.equal(signature.length, 3_309);
  assert.ok(
    await crypto.subtle.verify(
      'ML-DSA-65',
      key as CryptoKey,
      new Uint8Array(signature),
      new Uint8Array(message),
    ),
  );
  assert.equal(jws.split('.').length, 3, 'the JWS has one');
});

test('a verifier says whether the second was verified, and demands it where its key is pinned', () => {
  assert.equal(saidOf(dsse, { keys }), false, 'its key is not known');
  assert.equal(saidOf(dsse, { jwks: setOf() }), true);
  assert.equal(saidOf(one.dsse, { jwks: setOf() }), 'none');
  assert.equal(saidOf(jws, { jwks: setOf() }), 'none');
  for (const times of [
    { compromisedAt: '2036-01-01T00:00:00Z' },
    { retiredAt: '2026-11-29T00:59:59Z' },
    { notBefore: '2026-11-29T01:00:01Z' },
  ]) {
    assert.equal(saidOf(dsse, { jwks: setOf(times) }), false, JSON.stringify(times));
    assert.equal(saidOf(dsse, { jwks: setOf(times), needsSecond: true }), 'NO_SECOND_SIGNATURE');
  }
  const pinned = { keys, secondKeys, needsSecond: true };
  assert.equal(saidOf(dsse, pinned), true);
  for (const text of [one.dsse, one.jws, jws, bundleOf(dsse, null)])
    assert.equal(saidOf(text, pinned), 'NO_SECOND_SIGNATURE');
  assert.equal(saidOf(bundleOf(dsse, null), { jwks: setOf() }), 'none', 'bundles have one');
  const stranger = pinnedSecondKey(generateKeyPairSync('ml-dsa-65').publicKey);
  assert.equal(saidOf(dsse, { ...pinned, secondKeys: [stranger] }), 'NO_SECOND_SIGNATURE');
  assert.throws(() => pinnedSecondKey(first.publicKey), TypeError);
  assert.throws(() => pinnedKey(other.publicKey), TypeError);
});

test('each changed byte of either signature is refused, and so are others in their places', () => {
  const envelope = JSON.parse(dsse);
  const [ours, theirs] = envelope.signatures;
  const said = (signatures: unknown): unknown =>
    saidOf(JSON.stringify({ ...envelope, signatures }), { keys, secondKeys });
  const flip = (base64: string, at: number): string => {
    const bytes = Buffer.from(base64, 'base64');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes.toString('base64');
  };
  for (let at = 0; at < 3_309; at += 1)
    assert.equal(said([ours, { ...theirs, sig: flip(theirs.sig, at) }]), 'BAD_SIGNATURE', `byte ${at}`);
  for (let at = 0; at < 64; at += 1)
    assert.equal(said([{ ...ours, sig: flip(ours.sig, at) }, theirs]), 'BAD_SIGNATURE');
  assert.equal(said([theirs, ours]), 'UNKNOWN_KEY');
  assert.equal(said([theirs]), 'UNKNOWN_KEY');
  assert.equal(said([ours, ours]), false, 'the first again is no second');
  for (const wrong of [[], [ours, theirs, theirs], [ours, null], [ours, { sig: theirs.sig }]])
    assert.equal(said(wrong), 'MALFORMED');
});

test('the command says which signatures it verified', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rekey-second-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = (name: string): string => join(folder, name);
  await writeFile(file('two'), dsse);
  await writeFile(file('one'), one.dsse);
  await writeFile(file('first.pem'), first.publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(file('second.pem'), other.publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(file('jwks.json'), JSON.stringify(setOf()));
  const call = async (...args: string[]) => {
    const lines: string[] = [];
    const io = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(line) };
    return { code: await certificateVerify(args, io), text: lines.join('\n') };
  };
  const both = await call(file('two'), '--key', file('first.pem'), '--second-key', file('second.pem'));
  assert.deepEqual(
    [both.code, both.text.includes(`second    ${second.kid}, by ML-DSA-65, verified`)],
    [0, true],
  );
  const missing = await call(file('one'), '--key', file('first.pem'), '--second-key', file('second.pem'));
  assert.equal(missing.code, 1);
  assert.match(missing.text, /^refused {3}NO_SECOND_SIGNATURE$/m);
  assert.match((await call(file('two'), '--jwks', file('jwks.json'))).text, /^second {4}.*verified$/m);
  assert.match((await call(file('two'), '--key', file('first.pem'))).text, /^second {4}.*not verified/m);
  assert.match((await call(file('one'), '--key', file('first.pem'))).text, /^second {4}no/m);
  assert.equal(
    (await call(file('two'), '--key', file('first.pem'), '--second-key', file('first.pem'))).code,
    2,
  );
});
