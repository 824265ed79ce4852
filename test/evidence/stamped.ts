import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  certificatesIn,
  seal,
  signerOf,
  stampedBytes,
  stampQuery,
  statementOf,
  tokenIn,
} from '@rekey/evidence';
import { thisFile } from '../harness/cleanup.ts';
import { createAuthority, openssl } from '../harness/tsa.ts';

// A certificate, and an authority that stamps it.

const keys = generateKeyPairSync('ed25519');
export const { publicKey } = keys;
export const signer = signerOf(keys.privateKey);
export const { dsse, jws } = await seal(
  statementOf('rotation', {
    schemaVersion: 1,
    rotationId: 'rot-550e8400-e29b-41d4-a716-446655440001',
    tenantId: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
    signedAt: '2026-11-29T01:00:00.000Z',
    totals: { remaining: 0 },
  }),
  signer,
);
export const signature = stampedBytes(dsse);
const authority = openssl.skip ? null : await createAuthority(thisFile);
export const parts = async () => {
  assert.ok(authority !== null);
  const cas = certificatesIn(await readFile(authority.root.certificate, 'latin1'));
  return { authority, cas };
};

/** A token over the signature, as a real authority answers it. */
export async function stamped(by?: Parameters<NonNullable<typeof authority>['signer']>[0]) {
  const { authority, cas } = await parts();
  const { query, nonce } = stampQuery(signature);
  const answer = await authority.answer(query, await authority.signer(by));
  const token = tokenIn(answer);
  assert.ok(token !== null);
  return { token, nonce, cas, authority, answer };
}
export const jwksOf = (compromisedAt: Date | null) => ({
  keys: [{ ...publicKey.export({ format: 'jwk' }), compromisedAt: compromisedAt?.toISOString() ?? null }],
});
