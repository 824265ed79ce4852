import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { thumbprint, xOf } from './public-keys.ts';

/** Signs by Ed25519. What holds the key, and where, is its own affair. */
export interface Signer {
  readonly kid: string;
  /** The 32 bytes of the public key. */
  readonly publicKey: Buffer;
  sign(bytes: Buffer): Promise<Buffer>;
}

/** A signer whose key is elsewhere, as in a token. */
export function signerBy(publicKey: KeyObject, signs: Signer['sign']): Signer {
  const x = xOf(publicKey);
  return { kid: thumbprint(x), publicKey: Buffer.from(x, 'base64url'), sign: signs };
}

/** A signer that holds the key itself. */
export function signerOf(key: KeyObject): Signer {
  return signerBy(createPublicKey(key), async (bytes) => sign(null, bytes, key));
}
