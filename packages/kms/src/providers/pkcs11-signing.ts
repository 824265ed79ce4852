import { Buffer } from 'node:buffer';
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import pkcs11js from 'pkcs11js';
import { KmsError } from '../kms-error.ts';
import type { OpenSigningKey } from '../signing-key.ts';
import { parseTokenKey } from './pkcs11-key.ts';
import { type FindKey, keyInside, type Module, objectOf } from './pkcs11-session.ts';
import { openToken } from './pkcs11-token.ts';

// Of PKCS #11 3.0, which the binding does not name.
const keyTypeEdwards = 0x40;
const mechanismEddsa = 0x1057;

const publicBytes = 32;
const signatureBytes = 64;
/** What stands before the 32 bytes of an Ed25519 key in SubjectPublicKeyInfo. */
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex');

/** A key that signs and that the token keeps to itself. */
const signingKey: FindKey = (module, handle, key) =>
  keyInside(module, handle, key, {
    ofClass: pkcs11js.CKO_PRIVATE_KEY,
    type: keyTypeEdwards,
    name: 'Ed25519 key',
  });

/**
 * A non-extractable Ed25519 key in a token; its public half stands beside it under the same label or id. What the token signs is
 * verified before it is handed out: a signature that nobody can verify would be found by an auditor only.
 */
export const openSigning: OpenSigningKey = async (rest) => {
  const key = parseTokenKey(rest, ['private']);
  const token = openToken(key, signingKey);
  const { module, call, failed } = token;
  let known: KeyObject | null = null;

  const publicOf = (handle: Buffer): KeyObject => {
    known ??= toPublicKey(pointOf(module, handle, objectOf(module, handle, key, pkcs11js.CKO_PUBLIC_KEY)));
    return known;
  };

  return {
    publicKey: () => call(async ({ handle }) => publicOf(handle)),
    sign: (bytes) =>
      call(async ({ handle, key: held }) => {
        const publicKey = publicOf(handle);
        module.C_SignInit(handle, { mechanism: mechanismEddsa }, held);
        const signature = Buffer.from(await module.C_SignAsync(handle, bytes, Buffer.alloc(signatureBytes)));
        if (!verify(null, bytes, publicKey, signature))
          throw failed('DENIED', 'what it signs does not verify by the public key beside it');
        return signature;
      }),
    close: () => token.close(),
  };
};

/** Bare, or as the OCTET STRING that the standard wants. */
function pointOf(module: Module, handle: Buffer, key: Buffer): Buffer {
  const [point] = module.C_GetAttributeValue(handle, key, [{ type: pkcs11js.CKA_EC_POINT }]);
  const value = point?.value;
  if (Buffer.isBuffer(value)) {
    if (value.length === publicBytes) return value;
    if (value.length === publicBytes + 2 && value[0] === 0x04 && value[1] === publicBytes)
      return value.subarray(2);
  }
  throw new KmsError('DENIED', 'PKCS #11: the public key beside it is no Ed25519 key');
}

function toPublicKey(point: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([spkiHead, point]), format: 'der', type: 'spki' });
}
