import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import {
  type Predicate,
  type PublicJwk,
  seal,
  signerOf,
  statementOf,
  verifyCertificate,
} from '@rekey/evidence';

// By its address: it is a page's script, and no part of the program that is compiled here.
const script = new URL('../../apps/api/console/certificate.js', import.meta.url).href;
const { verify } = (await import(script)) as {
  verify(
    text: string,
    keys: readonly PublicJwk[],
    rotationId: string,
  ): Promise<{ kid: string; trusted: boolean }>;
};

const signer = signerOf(generateKeyPairSync('ed25519').privateKey);
const rotationId = 'rot-550e8400-e29b-41d4-a716-446655440001';
const predicate: Predicate = {
  schemaVersion: 1,
  rotationId,
  tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  signedAt: '2026-03-01T12:00:00.000Z',
};
const key: PublicJwk = {
  kty: 'OKP',
  crv: 'Ed25519',
  x: signer.publicKey.toString('base64url'),
  kid: signer.kid,
  notBefore: '2026-01-01T00:00:00.000Z',
  retiredAt: null,
  compromisedAt: null,
};
/** A statement as it is made, but for what is changed in its text; the signature holds. */
const signed = async (from = '', to = ''): Promise<string> => {
  const text = statementOf('rotation', predicate).toString('utf8');
  assert.ok(text.includes(from), from);
  return (await seal(Buffer.from(text.replace(from, to)), signer)).dsse;
};

test('the page accepts what the command line accepts, and refuses what is signed as something else', async () => {
  const good = await signed();
  const { kid, trusted } = await verify(good, [key], rotationId);
  assert.deepEqual([kid, trusted], [signer.kid, false]);

  const odd: ReadonlyArray<[from: string, to: string, refusal: RegExp]> = [
    ['in-toto.io/Statement/v1', 'in-toto.io/Statement/v0.1', /no certificate of a rotation/],
    ['attestations/rotation/v1', 'attestations/destruction/v1', /no certificate of a rotation/],
    ['attestations/rotation/v1', 'attestations/rotation/v2', /no certificate of a rotation/],
    ['"schemaVersion":1', '"schemaVersion":2', /no certificate of a rotation/],
    ['2026-03-01T12:00:00.000Z', 'yesterday', /when it was signed/],
  ];
  for (const [from, to, refusal] of odd) {
    const certificate = await signed(from, to);
    await assert.rejects(verify(certificate, [key], rotationId), refusal, to);
    assert.equal(verifyCertificate(certificate, { jwks: { keys: [key] } }).verified, false, to);
  }
  await assert.rejects(verify(good, [key], `${rotationId}2`), /another rotation/);
  await assert.rejects(verify(good.replace(/"payload":"\w/, '"payload":"f'), [key], rotationId), /signature/);
});

test('the page refuses by what is known of the key, at whatever zone its times are written', async () => {
  const good = await signed();
  const other = signerOf(generateKeyPairSync('ed25519').privateKey);
  const cases: ReadonlyArray<[change: Partial<PublicJwk>, refusal: RegExp | null]> = [
    [{ compromisedAt: '2026-04-01T00:00:00.000Z' }, /compromised/],
    [{ retiredAt: '2026-02-28T23:59:59.000Z' }, /retired/],
    [{ retiredAt: '2026-03-01T11:30:00.000-01:00' }, null],
    [{ notBefore: '2026-03-01T12:00:01.000Z' }, /before its key/],
    [{ kid: other.kid }, /nobody knows/],
    [{ x: other.publicKey.toString('base64url') }, /not the one that it is called/],
  ];
  for (const [change, refusal] of cases) {
    const verifying = verify(good, [{ ...key, ...change }], rotationId);
    if (refusal === null) await verifying;
    else await assert.rejects(verifying, refusal, JSON.stringify(change));
  }
});
