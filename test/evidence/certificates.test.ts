import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import {
  certificateVerify,
  type PublicJwk,
  pinnedKey,
  preAuthenticationEncoding,
  seal,
  signerOf,
  statementOf,
  verifyCertificate,
} from '@rekey/evidence';
import { compactVerify, importJWK } from 'jose';
import { MISSING_TOOL } from '../harness/missing-tools.ts';

const run = promisify(execFile);
/** The machine's: no library of ours and none of Node's. */
const openssl = await run('openssl', ['version']).then(
  () => ({ skip: false }),
  () => ({ skip: `${MISSING_TOOL}openssl: it is not installed` }),
);
const folder = await mkdtemp(join(tmpdir(), 'rekey-evidence-'));
after(() => rm(folder, { recursive: true }));

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signer = signerOf(privateKey);
const keys = [pinnedKey(publicKey)];
const payload = statementOf('rotation', {
  schemaVersion: 1,
  rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
  tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  signedAt: '2026-11-29T01:00:00.000Z',
  initiatedBy: { id: 'jürgen\u2028', realm: null },
  totals: { remaining: 0 },
});
const { dsse, jws } = await seal(payload, signer);
const jwk: PublicJwk = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: signer.publicKey.toString('base64url'),
  kid: signer.kid,
};

const pemOf = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
const refusalOf = (
  certificate: string | Uint8Array,
  trust: Parameters<typeof verifyCertificate>[1] = { keys },
) => {
  const verdict = verifyCertificate(certificate, trust);
  return verdict.verified ? null : verdict.refusal;
};

test('both forms verify, by a pinned key and by a JWK Set, and name the key', () => {
  for (const [form, text] of Object.entries({ dsse, jws })) {
    for (const trust of [{ keys }, { jwks: { keys: [jwk] } }]) {
      const verdict = verifyCertificate(text, trust);
      assert.ok(verdict.verified);
      assert.equal(verdict.form, form);
      assert.equal(verdict.kid, signer.kid);
      assert.equal(verdict.statement.subject[0]?.name, 'rot-550e8400-e29b-41d4-a716-446655440001');
    }
  }
});

test('the payload is canonical and its subject is the digest of the predicate, both known by heart', () => {
  const predicate =
    '{"initiatedBy":{"id":"jürgen\u2028","realm":null},"rotationId":"rot-550e8400-e29b-41d4-a716-446655440001",' +
    '"schemaVersion":1,"signedAt":"2026-11-29T01:00:00.000Z","tenantId":"3fa85f64-5717-4562-b3fc-2c963f66afa6",' +
    '"totals":{"remaining":0}}';
  const sha256 = createHash('sha256').update(predicate).digest('hex');
  assert.equal(
    payload.toString(),
    `{"_type":"https://in-toto.io/Statement/v1","predicate":${predicate},` +
      '"predicateType":"https://rekey.dev/attestations/rotation/v1",' +
      `"subject":[{"digest":{"sha256":"${sha256}"},"name":"rot-550e8400-e29b-41d4-a716-446655440001"}]}`,
  );
});

test('every changed byte of either file is refused', () => {
  for (const text of [dsse, jws]) {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 1) {
      for (const bit of [0x01, 0x20]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ bit;
        assert.notEqual(refusalOf(changed), null, `byte ${at} of ${text.slice(0, 10)}`);
      }
    }
  }
});

test('every changed byte of payload and signature, written as it should be, is a bad signature', () => {
  const envelope = JSON.parse(dsse) as { payload: string; signatures: [{ keyid: string; sig: string }] };
  const flip = (base64: string, at: number): string => {
    const bytes = Buffer.from(base64, 'base64');
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes.toString('base64');
  };
  for (let at = 0; at < payload.length; at += 1) {
    const changed = { ...envelope, payload: flip(envelope.payload, at) };
    assert.equal(refusalOf(JSON.stringify(changed)), 'BAD_SIGNATURE');
  }
  const [{ keyid, sig }] = envelope.signatures;
  for (let at = 0; at < 64; at += 1) {
    const changed = { ...envelope, signatures: [{ keyid, sig: flip(sig, at) }] };
    assert.equal(refusalOf(JSON.stringify(changed)), 'BAD_SIGNATURE');
  }
});

test('a key that was rotated still verifies what it signed, and nothing later', () => {
  const other = generateKeyPairSync('ed25519').publicKey;
  const set = (times: Partial<PublicJwk>) => ({
    jwks: { keys: [{ ...jwk, ...times }, other.export({ format: 'jwk' })] },
  });
  assert.equal(refusalOf(dsse, set({ retiredAt: '2026-11-29T01:00:00.001Z' })), null);
  assert.equal(refusalOf(dsse, set({ retiredAt: '2026-11-29T00:59:59.999Z' })), 'KEY_RETIRED');
  assert.equal(refusalOf(dsse, set({ notBefore: '2026-11-29T01:00:00.000Z' })), null);
  assert.equal(refusalOf(dsse, set({ notBefore: '2026-11-29T01:00:00.001Z' })), 'KEY_NOT_YET_VALID');
  // However late: without an older witness its date is worth nothing.
  assert.equal(refusalOf(dsse, set({ compromisedAt: '2036-01-01T00:00:00.000Z' })), 'KEY_COMPROMISED');
  // A second entry for the same key that keeps quiet about it changes nothing.
  const twice = { jwks: { keys: [jwk, { ...jwk, compromisedAt: '2026-12-01T00:00:00.000Z' }] } };
  assert.equal(refusalOf(jws, twice), 'KEY_COMPROMISED');
});

test('another key, another type and another algorithm are refused', async () => {
  const other = generateKeyPairSync('ed25519');
  assert.equal(refusalOf(dsse, { keys: [pinnedKey(other.publicKey)] }), 'UNKNOWN_KEY');
  // Signed by somebody else who says they are us.
  const forged = await seal(payload, { ...signerOf(other.privateKey), kid: signer.kid });
  assert.equal(refusalOf(forged.dsse), 'BAD_SIGNATURE');
  assert.equal(refusalOf(forged.jws), 'BAD_SIGNATURE');
  const lied = { jwks: { keys: [{ ...other.publicKey.export({ format: 'jwk' }), kid: signer.kid }] } };
  assert.equal(refusalOf(forged.dsse, lied), 'UNKNOWN_KEY');
  // Ours, and no statement of a rotation.
  const text = payload.toString();
  for (const bytes of ['hello', `${text} `, text.replace('rotation/v1', 'rewrap/v1')])
    assert.equal(refusalOf((await seal(Buffer.from(bytes), signer)).dsse), 'WRONG_TYPE');
  const typed = { ...JSON.parse(dsse), payloadType: 'application/json' };
  assert.equal(refusalOf(JSON.stringify(typed)), 'WRONG_TYPE');
  const none = Buffer.from(JSON.stringify({ alg: 'none', kid: signer.kid, typ: typed.payloadType }));
  assert.equal(refusalOf([none.toString('base64url'), ...jws.split('.').slice(1)].join('.')), 'WRONG_TYPE');
  for (const broken of ['', '{}', '..', 'null', '[]', jws.slice(0, jws.lastIndexOf('.')), `${jws}.`])
    assert.equal(refusalOf(broken), 'MALFORMED');
});

test('others verify it: node alone, and jose', async () => {
  const { payload: base64, payloadType, signatures } = JSON.parse(dsse);
  const message = preAuthenticationEncoding(payloadType, Buffer.from(base64, 'base64'));
  const signature = Buffer.from(signatures[0].sig, 'base64');
  assert.equal(message.subarray(0, 40).toString(), 'DSSEv1 28 application/vnd.in-toto+json 5');
  assert.ok(verify(null, message, createPublicKey(pemOf(publicKey)), signature));
  const { payload: read } = await compactVerify(jws, await importJWK({ ...jwk }, 'EdDSA'));
  assert.deepEqual(Buffer.from(read), payload);
});

test('openssl verifies it, with no line of ours', { skip: openssl.skip }, async () => {
  const { payload: base64, payloadType, signatures } = JSON.parse(dsse);
  const message = preAuthenticationEncoding(payloadType, Buffer.from(base64, 'base64'));
  const signature = Buffer.from(signatures[0].sig, 'base64');
  const [pem, sig, pae] = ['key.pem', 'sig', 'pae'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(pem, pemOf(publicKey));
  await writeFile(sig, signature);
  await writeFile(pae, message);
  const args = ['pkeyutl', '-verify', '-pubin', '-inkey', pem, '-rawin', '-in', pae, '-sigfile', sig];
  assert.match((await run('openssl', args)).stdout, /Verified Successfully/);
  message[message.length - 1] = 0x20;
  await writeFile(pae, message);
  await assert.rejects(run('openssl', args));
});

test('the command says what it trusted or why it refused, by its exit code as well', async () => {
  const file = (name: string) => join(folder, name);
  await writeFile(file('c.dsse'), `${dsse}\n`);
  await writeFile(file('c.jws'), jws);
  await writeFile(file('pub.pem'), pemOf(publicKey));
  await writeFile(file('jwks.json'), JSON.stringify({ keys: [jwk] }));
  await writeFile(
    file('bad.jwks.json'),
    JSON.stringify({ keys: [{ ...jwk, compromisedAt: '2026-12-01T00:00:00Z' }] }),
  );
  const call = async (...args: string[]) => {
    const lines: string[] = [];
    const io = { out: (line: string) => lines.push(line), err: (line: string) => lines.push(line) };
    return { code: await certificateVerify(args, io), text: lines.join('\n') };
  };
  const good = await call(file('c.dsse'), '--key', file('pub.pem'));
  assert.equal(good.code, 0);
  assert.ok(good.text.includes(`${signer.kid}, from ${file('pub.pem')}`));
  assert.equal((await call(file('c.jws'), '--jwks', file('jwks.json'))).code, 0);
  const bad = await call(file('c.jws'), '--jwks', file('bad.jwks.json'));
  assert.equal(bad.code, 1);
  assert.match(bad.text, /^refused {3}KEY_COMPROMISED/);
  for (const args of [
    [],
    [file('c.dsse')],
    [file('none'), '--key', file('pub.pem')],
    [file('c.dsse'), '--key', file('c.dsse')],
    [file('c.dsse'), '--jwks', file('c.jws')],
    [file('c.dsse'), '--key', file('pub.pem'), '--jwks', file('jwks.json')],
    [file('c.dsse'), '--frob'],
  ])
    assert.equal((await call(...args)).code, 2);

  // As docs/evidence.md calls it.
  const script = ['run', '-s', 'certificate:verify', '--'];
  const cwd = new URL('../..', import.meta.url);
  const { stdout } = await run('npm', [...script, file('c.dsse'), '--key', file('pub.pem')], { cwd });
  assert.match(stdout, /^verified/);
  const refused = run('npm', [...script, file('c.jws'), '--jwks', file('bad.jwks.json')], { cwd });
  await assert.rejects(refused, ({ code }: { code: number }) => code === 1);
});
