import { Buffer } from 'node:buffer';
import { createHash, randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { env } from 'node:process';
import { KmsError } from '../kms-error.ts';
import { needPrivateFile } from '../need-private-file.ts';

const pinMaxBytes = 256;

/** Read anew at each login, from a file that only this process can read, or from the environment. */
export async function pinOf(path: string | undefined): Promise<string> {
  const pin = path === undefined ? env.PKCS11_PIN : await fromFile(path);
  if (pin !== undefined && pin !== '') return pin;
  const where = path ?? 'the environment as PKCS11_PIN, and pin-source names no file';
  throw new KmsError(path === undefined ? 'DENIED' : 'UNAVAILABLE', `PKCS #11: no PIN in ${where}`);
}

async function fromFile(path: string): Promise<string> {
  const memory = Buffer.alloc(pinMaxBytes);
  try {
    const file = await open(path, 'r');
    try {
      await needPrivateFile(file, path);
      const { bytesRead } = await file.read(memory, 0, pinMaxBytes, 0);
      return memory.toString('utf8', 0, bytesRead).replace(/[\r\n]+$/, '');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof KmsError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new KmsError('UNAVAILABLE', `PKCS #11: ${path} cannot be read (${code})`);
  } finally {
    memory.fill(0);
  }
}

const salt = randomBytes(32);
const refused = new Map<string, string>();
const hashOf = (pin: string): string => createHash('sha256').update(salt).update(pin).digest('hex');

/** A token locks itself after a few wrong PINs: one that it refused is not shown to it again by this process. */
export const refusedPins = {
  has: (token: string, pin: string): boolean => refused.get(token) === hashOf(pin),
  add: (token: string, pin: string): unknown => refused.set(token, hashOf(pin)),
};
