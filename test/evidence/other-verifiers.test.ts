import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  answerWith,
  bundleOf,
  certificatesIn,
  seal,
  secondSignerBy,
  signerOf,
  stampedBytes,
  stampQuery,
  statementOf,
  tokenIn,
} from '@rekey/evidence';
import { compactVerify, errors, importJWK } from 'jose';
import { tool } from '../harness/tool.ts';
import { createAuthority, openssl } from '../harness/tsa.ts';

const cosign = await tool('cosign');
const python = await tool('python-cryptography');
const jose = await tool('jose');
const folder = await mkdtemp(join(tmpdir(), 'rekey-verifiers-'));
after(() => rm(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const payload = statementOf('rotation', {
  schemaVersion: 1,
  rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
  tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  signedAt: '2026-11-29T01:00:00.000Z',
  initiatedBy: { id: 'jürgen\u2028', realm: null },
  totals: { remaining: 0 },
});
const { dsse, jws } = await seal(payload, signerOf(privateKey));
const other = generateKeyPairSync('ml-dsa-65');
const second = secondSignerBy(other.publicKey, async (bytes) => sign(null, bytes, other.privateKey));
const two = (await seal(payload, signerOf(privateKey), second)).dsse;
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();

test('cosign verifies a certificate, its type and its subject, and none with a changed byte', {
  skip: cosign.skip,
}, async () => {
  const type = 'https://rekey.dev/attestations/rotation/v1';
  const text = payload.toString();
  const predicate = text.slice(text.indexOf('"predicate":') + 12, text.indexOf(',"predicateType"'));
  await writeFile(at('key.pem'), pem);
  await writeFile(at('predicate'), predicate);
  await writeFile(at('other'), predicate.replace('"remaining":0', '"remaining":1'));
  const verify = async (envelope: string, blob = 'predicate'): Promise<boolean> => {
    await writeFile(at('certificate'), envelope);
    const args = ['--insecure-ignore-tlog', '--key', at('key.pem'), '--type', type];
    const { error, status, stderr } = spawnSync(
      cosign.programs.cosign,
      ['verify-blob-attestation', ...args, '--signature', at('certificate'), at(blob)],
      { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', HOME: folder } },
    );
    assert.equal(error, undefined);
    assert.equal(/^Verified OK$/m.test(stderr), status === 0, stderr);
    return status === 0;
  };
  assert.ok(await verify(dsse));
  assert.ok(await verify(two), 'by the first of two signatures');
  assert.ok(!(await verify(dsse, 'other')), 'the subject is of this predicate alone');
  // A process for each: so many places of either. Python takes all of them.
  const envelope = JSON.parse(dsse);
  const [signature] = envelope.signatures;
  for (let n = 0; n < 8; n += 1) {
    const changed = flip(envelope.payload, Math.floor((n * payload.length) / 8));
    assert.ok(!(await verify(JSON.stringify({ ...envelope, payload: changed }))), `payload ${n}`);
    const signatures = [{ ...signature, sig: flip(signature.sig, n * 8) }];
    assert.ok(!(await verify(JSON.stringify({ ...envelope, signatures }))), `signature ${n}`);
  }
});

test('cosign verifies a bundle with its time stamp, and none with a changed or a missing one', {
  skip: cosign.skip || openssl.skip,
}, async (t) => {
  const authority = await createAuthority(t);
  const bytes = stampedBytes(dsse);
  const token = tokenIn(await authority.answer(stampQuery(bytes).query, await authority.signer()));
  assert.ok(token !== null);
  const pems = await Promise.all(
    [authority.middle, authority.root].map((one) => readFile(one.certificate, 'latin1')),
  );
  const certificates = pems.map((pem) => ({ rawBytes: certificatesIn(pem)[0]?.raw.toString('base64') }));
  const trusted = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    timestampAuthorities: [
      {
        subject: { organization: 'Test', commonName: 'Stamps' },
        certChain: { certificates },
        validFor: { start: '2020-01-01T00:00:00Z' },
      },
    ],
  };
  const text = payload.toString();
  await writeFile(at('key.pem'), pem);
  await writeFile(
    at('predicate'),
    text.slice(text.indexOf('"predicate":') + 12, text.indexOf(',"predicateType"')),
  );
  await writeFile(at('root.json'), JSON.stringify(trusted));
  const verify = async (bundle: string, ...more: string[]): Promise<boolean> => {
    await writeFile(at('bundle'), bundle);
    const of = ['--key', at('key.pem'), '--type', 'https://rekey.dev/attestations/rotation/v1'];
    const by = ['--new-bundle-format', '--bundle', at('bundle'), '--trusted-root', at('root.json')];
    const { error, status, stderr } = spawnSync(
      cosign.programs.cosign,
      ['verify-blob-attestation', '--insecure-ignore-tlog', ...of, ...by, ...more, at('predicate')],
      { encoding: 'utf8', env: { PATH: '/usr/bin:/bin', HOME: folder } },
    );
    assert.equal(error, undefined);
    assert.equal(/^Verified OK$/m.test(stderr), status === 0, stderr);
    return status === 0;
  };
  const stamp = '--use-signed-timestamps';
  assert.ok(await verify(bundleOf(dsse, answerWith(token)), stamp));
  const changed = Buffer.from(answerWith(token));
  changed[changed.length - 3] = (changed[changed.length - 3] ?? 0) ^ 1;
  assert.ok(!(await verify(bundleOf(dsse, changed), stamp)));
  assert.ok(!(await verify(bundleOf(dsse, null), stamp)));
  assert.ok(await verify(bundleOf(dsse, null)));
  assert.ok(await verify(bundleOf(two, answerWith(token)), stamp));
  const others = JSON.parse(bundleOf(dsse, null));
  others.dsseEnvelope.signatures[0].sig = flip(others.dsseEnvelope.signatures[0].sig, 3);
  assert.ok(!(await verify(JSON.stringify(others))));
});

function flip(base64: string, place: number, encoding: 'base64' | 'base64url' = 'base64'): string {
  const bytes = Buffer.from(base64, encoding);
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  return bytes.toString(encoding);
}

const program = `
import base64, json, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwcrypto import jwk, jws
given = json.load(sys.stdin)
key = load_pem_public_key(given['pem'].encode())
envelope = json.loads(given['dsse'])
kind = envelope['payloadType'].encode()
payload = base64.b64decode(envelope['payload'])
sig = base64.b64decode(envelope['signatures'][0]['sig'])
def dsse(payload, sig):
    key.verify(sig, b'DSSEv1 %d %s %d %s' % (len(kind), kind, len(payload), payload))
other = jwk.JWK.from_pem(given['pem'].encode())
head, body, mark = given['jws'].split('.')
unb64 = lambda text: base64.urlsafe_b64decode(text + '==')
b64 = lambda data: base64.urlsafe_b64encode(data).decode().rstrip('=')
def compact(payload, sig):
    token = jws.JWS()
    token.allowed_algs = ['EdDSA']
    token.deserialize('.'.join([head, b64(payload), b64(sig)]), other)
def refused(verify, error, payload, sig):
    try:
        verify(payload, sig)
        return False
    except error:
        return True
dsse(payload, sig)
compact(unb64(body), unb64(mark))
flipped = lambda data: [data[:n] + bytes([data[n] ^ 1]) + data[n + 1:] for n in range(len(data))]
print(json.dumps({form: [
    sum(refused(verify, error, p, s) for p in flipped(data)),
    sum(refused(verify, error, data, x) for x in flipped(s)),
] for form, verify, error, data, s in [
    ('dsse', dsse, InvalidSignature, payload, sig),
    ('jws', compact, jws.InvalidJWSSignature, unb64(body), unb64(mark)),
]}))
`;

test('Python verifies both forms, and refuses each changed byte of payload and signature', {
  skip: python.skip,
}, () => {
  for (const envelope of [dsse, two]) byPython(envelope);
});

function byPython(envelope: string): void {
  const { status, stdout, stderr } = spawnSync(python.programs.python3, ['-c', program], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', HOME: folder, ...python.env },
    input: JSON.stringify({ pem, dsse: envelope, jws }),
  });
  assert.equal(status, 0, stderr);
  const all = [payload.length, 64];
  assert.deepEqual(JSON.parse(stdout), { dsse: all, jws: all });
}

test('jose of npm verifies the JWS, and refuses each changed byte of payload and signature', async () => {
  const [head, body = '', mark = ''] = jws.split('.');
  const key = await importJWK({ ...publicKey.export({ format: 'jwk' }) }, 'EdDSA');
  const refuses = (changedBody: string, changedMark: string): Promise<boolean> =>
    compactVerify(`${head}.${changedBody}.${changedMark}`, key).then(
      () => false,
      (error) => error instanceof errors.JWSSignatureVerificationFailed,
    );
  const { payload: read } = await compactVerify(jws, key);
  assert.deepEqual(Buffer.from(read), payload);
  for (let at = 0; at < payload.length; at += 1)
    assert.ok(await refuses(flip(body, at, 'base64url'), mark), `payload ${at}`);
  for (let at = 0; at < 64; at += 1)
    assert.ok(await refuses(body, flip(mark, at, 'base64url')), `signature ${at}`);
});

test('José of Debian verifies what it knows, and of EdDSA it knows nothing, so that it cannot be asked', {
  skip: jose.skip,
}, async () => {
  const call = (...args: string[]) => {
    const { status, stdout, stderr, error } = spawnSync(jose.programs.jose, args, { encoding: 'utf8' });
    assert.equal(error, undefined);
    return { status, stdout, stderr };
  };
  const { status, stdout } = call('alg', '-k', 'sign');
  assert.equal(status, 0);
  const algorithms = stdout.trim().split('\n');
  assert.ok(algorithms.includes('ES256'), stdout);
  // The day on which this fails is the day to have it verify certificates, and to take a line out of docs/limits.md.
  assert.ok(!algorithms.includes('EdDSA') && !algorithms.includes('Ed25519'), stdout);
  await writeFile(at('ed25519.jwk'), JSON.stringify(publicKey.export({ format: 'jwk' })));
  await writeFile(at('certificate.jws'), jws);
  assert.notEqual(call('jws', 'ver', '-i', at('certificate.jws'), '-k', at('ed25519.jwk')).status, 0);
  // It is the algorithm that it lacks: the same, signed by another one, it takes, and none with a changed byte.
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const header = Buffer.from('{"alg":"ES256"}').toString('base64url');
  const input = `${header}.${payload.toString('base64url')}`;
  const mark = sign('sha256', Buffer.from(input), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }).toString(
    'base64url',
  );
  await writeFile(at('p256.jwk'), JSON.stringify(ec.publicKey.export({ format: 'jwk' })));
  const verifies = async (text: string): Promise<boolean> => {
    await writeFile(at('other.jws'), text);
    return call('jws', 'ver', '-i', at('other.jws'), '-k', at('p256.jwk')).status === 0;
  };
  assert.ok(await verifies(`${input}.${mark}`));
  assert.ok(!(await verifies(`${header}.${flip(input.slice(header.length + 1), 9, 'base64url')}.${mark}`)));
});
