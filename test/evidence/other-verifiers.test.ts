import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { seal, signerOf, statementOf } from '@rekey/evidence';
import { tool } from '../harness/tool.ts';

const cosign = await tool('cosign');
const python = await tool('python-cryptography');
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

function flip(base64: string, place: number): string {
  const bytes = Buffer.from(base64, 'base64');
  bytes[place] = (bytes[place] ?? 0) ^ 1;
  return bytes.toString('base64');
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
  const { status, stdout, stderr } = spawnSync(python.programs.python3, ['-c', program], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', HOME: folder, ...python.env },
    input: JSON.stringify({ pem, dsse, jws }),
  });
  assert.equal(status, 0, stderr);
  const all = [payload.length, 64];
  assert.deepEqual(JSON.parse(stdout), { dsse: all, jws: all });
});
