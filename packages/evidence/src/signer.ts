import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { thumbprint, xOf } from './public-keys.ts';

/** Signs by Ed25519. What holds the key, and where, is its own affair. */
export interface Signer {
  readonly kid: string;
  /** The 32 bytes of the public key. */
  readonly publicKey: Buffer;
  sign(bytes: Buffer): Promise<Buffer>;
}

/** Why there is no signer; its message holds nothing of the key. */
export class SignerError extends Error {
  override readonly name = 'SignerError';
}

const openers: Readonly<Record<string, (rest: string) => Promise<Signer>>> = { file: openFile };

/** @param uri `file:<path of a PKCS#8 PEM file>`; other schemes are entries of the list above */
export async function openSigner(uri: string): Promise<Signer> {
  const colon = uri.indexOf(':');
  const open = openers[uri.slice(0, colon)];
  if (!open)
    throw new SignerError(`No signer for this scheme; there are: ${Object.keys(openers).join(', ')}`);
  return open(uri.slice(colon + 1));
}

async function openFile(path: string): Promise<Signer> {
  const pem = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new SignerError(`The signing key's file cannot be read: ${error.code ?? 'unknown'}`);
  });
  return signerOf(privateKey(pem));
}

/** A signer that holds the key itself. */
export function signerOf(key: KeyObject): Signer {
  const x = xOf(createPublicKey(key));
  return {
    kid: thumbprint(x),
    publicKey: Buffer.from(x, 'base64url'),
    sign: async (bytes) => sign(null, bytes, key),
  };
}

function privateKey(pem: Buffer): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    throw new SignerError("The signing key's file holds no private key in PKCS#8 PEM without a password");
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new SignerError("The signing key's file holds no Ed25519 key");
  return key;
}
