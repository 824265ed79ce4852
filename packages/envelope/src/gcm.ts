import { Buffer } from 'node:buffer';
import {
  type CipherGCM,
  type CipherGCMOptions,
  createCipheriv,
  createDecipheriv,
  type DecipherGCM,
  type KeyObject,
} from 'node:crypto';
import { EnvelopeError } from './envelope-error.ts';
import { createIvPool, IV_BYTES } from './iv-pool.ts';

export { IV_BYTES };
/** The length of a GCM tag, in bytes. */
export const TAG_BYTES = 16;

/** 1,024 IVs are 12 KiB: refilling then costs less than a tenth of a record, and more gains nothing. */
const ivs = createIvPool(1024);

/**
 * Seals any bytes under an AES-256 key with a fresh random IV: IV (12) ‖ ciphertext ‖ tag (16).
 *
 * @throws EnvelopeError `INVALID_KEY`
 */
export function gcmSeal(key: KeyObject, aad: Buffer, plaintext: Buffer): Buffer {
  return sealBehind(0, key, aad, plaintext);
}

/**
 * Opens what `gcmSeal` made. The plaintext is in memory of its own (never a slice of Node's pool), so that the caller
 * can zero it.
 *
 * @throws EnvelopeError `MALFORMED` (shorter than 28 bytes), `AUTHENTICATION_FAILED`, `INVALID_KEY`
 */
export function gcmOpen(key: KeyObject, aad: Buffer, sealed: Buffer): Buffer {
  return openBehind(0, key, aad, sealed);
}

/** As `gcmSeal`, with `headerBytes` bytes in front that hold anything: the caller must write every one of them. */
export function sealBehind(headerBytes: number, key: KeyObject, aad: Buffer, plaintext: Buffer): Buffer {
  const sealed = Buffer.allocUnsafe(headerBytes + IV_BYTES + plaintext.length + TAG_BYTES);
  sealInto(sealed, headerBytes, key, aad, plaintext);
  return sealed;
}

/** As `gcmSeal`, to `into[at .. at + 28 + plaintext.length]`. */
export function sealInto(into: Buffer, at: number, key: KeyObject, aad: Buffer, plaintext: Buffer): void {
  const textStart = at + IV_BYTES;
  const tagStart = textStart + plaintext.length;
  if (tagStart + TAG_BYTES > into.length) throw new RangeError('no room for what is sealed');
  ivs.moveNext(into, at);
  const cipher = startSealing(key, into.subarray(at, textStart));
  cipher.setAAD(aad);
  // GCM is a stream: update() returns all of it, final() nothing.
  into.set(cipher.update(plaintext), textStart);
  cipher.final();
  into.set(cipher.getAuthTag(), tagStart);
}

/** As `gcmOpen`, with `headerBytes` bytes in front that are skipped: they are not authenticated. */
export function openBehind(headerBytes: number, key: KeyObject, aad: Buffer, sealed: Buffer): Buffer {
  const ivEnd = headerBytes + IV_BYTES;
  const tagStart = sealed.length - TAG_BYTES;
  if (tagStart < ivEnd) throw new EnvelopeError('MALFORMED', 'too short for an IV and a tag');
  const decipher = startOpening(key, sealed.subarray(headerBytes, ivEnd));
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(tagStart));
  const plaintext = decipher.update(sealed.subarray(ivEnd, tagStart));
  try {
    decipher.final();
  } catch {
    plaintext.fill(0); // nobody may see what was not authenticated
    throw new EnvelopeError(
      'AUTHENTICATION_FAILED',
      'the ciphertext does not open under this key in this place',
    );
  }
  return plaintext;
}

/** No tag of another length gets this far; but without this option Node would take one of 4 bytes. */
const options: CipherGCMOptions = { authTagLength: TAG_BYTES };

function startSealing(key: KeyObject, iv: Buffer): CipherGCM {
  try {
    return createCipheriv('aes-256-gcm', key, iv, options);
  } catch {
    throw notAes256();
  }
}

function startOpening(key: KeyObject, iv: Buffer): DecipherGCM {
  try {
    return createDecipheriv('aes-256-gcm', key, iv, options);
  } catch {
    throw notAes256();
  }
}

const notAes256 = (): EnvelopeError => new EnvelopeError('INVALID_KEY', 'not a secret key of 256 bits');
