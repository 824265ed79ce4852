import type { KeyObject } from 'node:crypto';
import { KmsError } from './kms-error.ts';
import { readSecondSigningKeyFile, readSigningKeyFile } from './signing-key-file.ts';

/** An Ed25519 key that signs and never shows itself. Throws `KmsError` and nothing else; none of its calls waits for ever. */
export interface SigningKey {
  publicKey(): Promise<KeyObject>;
  sign(bytes: Buffer): Promise<Buffer>;
  close(): Promise<void>;
}

/** `rest` is the URI behind the scheme and its colon. */
export type OpenSigningKey = (rest: string) => Promise<SigningKey>;

const openers: Readonly<Record<string, OpenSigningKey>> = {
  file: readSigningKeyFile,
  pkcs11: async (rest) => (await import('./providers/pkcs11-signing.ts')).openSigning(rest),
};

/**
 * @param uri `file:<path of a PKCS#8 PEM file>`, or `pkcs11:…` of a key in a token (docs/evidence.md)
 * @throws KmsError also from the calls of the key, `UNAVAILABLE` where the token is away for the moment
 */
export async function openSigningKey(uri: string): Promise<SigningKey> {
  const [, scheme = '', rest = ''] = /^([a-z0-9]{1,16}):(.*)$/s.exec(uri) ?? [];
  const open = Object.hasOwn(openers, scheme) ? openers[scheme] : undefined;
  if (open === undefined)
    throw new KmsError(
      'INVALID_URI',
      `signing key: the URI must begin with ${Object.keys(openers).join(': or ')}:`,
    );
  try {
    return await open(rest);
  } catch (error) {
    const isMissing =
      error instanceof Error && 'code' in error && /^(ERR_)?MODULE_NOT_FOUND$/.test(String(error.code));
    if (!isMissing) throw error;
    throw new KmsError(
      'UNSUPPORTED_URI',
      'signing key: pkcs11js is not installed; it is compiled by npm (C++ compiler, make, Python)',
    );
  }
}

/** An ML-DSA-65 key, for a second signature. @param uri `file:<path of a PKCS#8 PEM file>` @throws KmsError */
export async function openSecondSigningKey(uri: string): Promise<SigningKey> {
  if (!uri.startsWith('file:'))
    throw new KmsError('INVALID_URI', 'second signing key: the URI must begin with file:');
  return readSecondSigningKeyFile(uri.slice('file:'.length));
}
