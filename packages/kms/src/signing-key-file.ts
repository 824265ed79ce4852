import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { KmsError } from './kms-error.ts';
import { needPrivateFile } from './need-private-file.ts';
import type { OpenSigningKey } from './signing-key.ts';

/** More than any PEM of these has. */
const longestRead = 16_384;

/**
 * An Ed25519 key in PKCS#8 PEM without a password, of a file that others cannot read. Its bytes stand in no message.
 *
 * @throws KmsError `INVALID_URI`, `NOT_FOUND`, `DENIED`, `CORRUPT`
 */
export const readSigningKeyFile: OpenSigningKey = (path) => openKey(path, 'ed25519');

/** The same of an ML-DSA-65 key. */
export const readSecondSigningKeyFile: OpenSigningKey = (path) => openKey(path, 'ml-dsa-65');

const names = { ed25519: 'Ed25519', 'ml-dsa-65': 'ML-DSA-65' } as const;
type KeyType = keyof typeof names;

async function openKey(path: string, type: KeyType): ReturnType<OpenSigningKey> {
  const key = await read(path, type);
  const publicKey = createPublicKey(key);
  return {
    publicKey: async () => publicKey,
    sign: async (bytes) => sign(null, bytes, key),
    close: async () => {},
  };
}

async function read(path: string, type: KeyType): Promise<KeyObject> {
  if (path === '' || path.includes('\0'))
    throw new KmsError('INVALID_URI', 'signing key: file: needs the path of a file');
  // Non-blocking, so that a FIFO of this name cannot hold up the start for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      const isThere = error.code !== 'ENOENT' && error.code !== 'ENOTDIR';
      throw new KmsError(
        isThere ? 'DENIED' : 'NOT_FOUND',
        `signing key file ${path}: ${isThere ? `cannot be read (${error.code ?? 'unknown'})` : 'not there'}`,
      );
    },
  );
  try {
    await needPrivateFile(file, path, 'signing key file');
    return await keyIn(file, path, type);
  } finally {
    await file.close();
  }
}

async function keyIn(file: FileHandle, path: string, type: KeyType): Promise<KeyObject> {
  const memory = Buffer.alloc(longestRead);
  let key: KeyObject;
  try {
    const { bytesRead } = await file.read(memory, 0, longestRead, 0);
    key = createPrivateKey({ key: memory.subarray(0, bytesRead), format: 'pem' });
  } catch {
    throw new KmsError(
      'CORRUPT',
      `signing key file ${path}: no private key in PKCS#8 PEM without a password`,
    );
  } finally {
    memory.fill(0);
  }
  if (key.asymmetricKeyType !== type)
    throw new KmsError('CORRUPT', `signing key file ${path}: the key in it is no ${names[type]} key`);
  return key;
}
