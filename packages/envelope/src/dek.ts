import type { Buffer } from 'node:buffer';
import { createSecretKey, KeyObject, randomBytes } from 'node:crypto';
import { EnvelopeError } from './envelope-error.ts';

/**
 * A DEK that can be used but not printed. A KeyObject and not a Buffer: its bytes stay out of the JavaScript heap and
 * its snapshots, and Node 24 ciphers with a raw Buffer as the key are 3.5 times slower.
 */
export type DekKey = KeyObject;

/** The length of a DEK, in bytes: AES-256. */
export const DEK_BYTES = 32;

/** 32 fresh random bytes in memory of their own (never a slice of Node's pool). The caller zeroes them. */
export function generateDek(): Buffer {
  return randomBytes(DEK_BYTES);
}

/**
 * Takes the 32 bytes of a DEK over into a key. The given buffer is zeroed, also when this throws.
 *
 * @throws EnvelopeError `INVALID_KEY` for another length, and for 32 zeros: that is what a buffer holds that was
 *   imported before, and a tenant must never be sealed under a key that anybody can guess.
 */
export function importDek(bytes: Buffer): DekKey {
  try {
    if (bytes.length !== DEK_BYTES) throw new EnvelopeError('INVALID_KEY', 'a DEK has exactly 32 bytes');
    if (isZero(bytes)) throw new EnvelopeError('INVALID_KEY', 'these bytes of a DEK are zeroed already');
    return createSecretKey(bytes);
  } finally {
    bytes.fill(0);
  }
}

/**
 * For whoever hands a key's bytes to OpenSSL itself: it reads 32 of them wherever they are, and is told no length.
 *
 * @throws EnvelopeError `INVALID_KEY` unless it is a secret key of 32 bytes
 */
export function needDekKey(key: DekKey): void {
  if (!(key instanceof KeyObject) || key.type !== 'secret' || key.symmetricKeySize !== DEK_BYTES)
    throw new EnvelopeError('INVALID_KEY', 'not a secret key of 256 bits');
}

/** In constant time, as it reads a key. */
function isZero(bytes: Buffer): boolean {
  let seen = 0;
  for (const byte of bytes) seen |= byte;
  return seen === 0;
}
