import { Buffer } from 'node:buffer';
import { createSecretKey, randomFillSync } from 'node:crypto';
import { EnvelopeError, gcmOpen, gcmSeal } from '@rekey/envelope';
import { crc32c } from './crc32c.ts';
import { KmsError } from './kms-error.ts';

// A wrapped DEK: form ‖ CRC-32C of all that follows ‖ what tells of the wrapped inner key, and its bytes ‖ the DEK sealed under the
// inner key: docs/ciphertext-format.md
const headBytes = 5;
const keyBytes = 32;
const sealedBytes = 12 + keyBytes + 16;

/**
 * For a KMS whose wrapping binds nothing: it wraps an inner key, made for this DEK, which seals the DEK. `wrap` gives what
 * stands between checksum and IV, which is bound as `aad` is.
 */
export async function sealByInnerKey(
  form: number,
  dek: Buffer,
  aad: Buffer,
  wrap: (inner: Buffer) => Promise<Buffer>,
): Promise<Buffer> {
  const inner = randomFillSync(Buffer.alloc(keyBytes));
  try {
    const told = await wrap(inner);
    const after = Buffer.concat([told, gcmSeal(createSecretKey(inner), Buffer.concat([told, aad]), dek)]);
    const head = Buffer.alloc(headBytes);
    head.writeUInt8(form);
    head.writeUInt32BE(crc32c(after), 1);
    return Buffer.concat([head, after]);
  } finally {
    inner.fill(0);
  }
}

export interface SealedByInnerKey {
  /** What `wrap` gave. */
  readonly told: Buffer;
  readonly sealed: Buffer;
}

/**
 * The parts of a wrapped DEK; in `told` the last two of the first `toldBytes` are the length of the rest.
 *
 * @throws KmsError `CORRUPT`
 */
export function partsOf(form: number, toldBytes: number, wrapped: Buffer, whose: string): SealedByInnerKey {
  const least = headBytes + toldBytes + sealedBytes;
  if (
    wrapped[0] !== form ||
    wrapped.length <= least ||
    wrapped.length !== least + wrapped.readUInt16BE(headBytes + toldBytes - 2)
  )
    throw new KmsError('CORRUPT', `wrapped DEK: not of the form that ${whose} makes`);
  if (wrapped.readUInt32BE(1) !== crc32c(wrapped.subarray(headBytes)))
    throw new KmsError('CORRUPT', 'wrapped DEK: damaged, by its checksum');
  const end = wrapped.length - sealedBytes;
  return { told: wrapped.subarray(headBytes, end), sealed: wrapped.subarray(end) };
}

/**
 * The DEK. The inner key is zeroed.
 *
 * @throws KmsError `CORRUPT`
 */
export function openByInnerKey(inner: Buffer, { told, sealed }: SealedByInnerKey, aad: Buffer): Buffer {
  try {
    if (inner.length !== keyBytes)
      throw new KmsError('CORRUPT', 'wrapped DEK: what was wrapped is no key of 32 bytes');
    return gcmOpen(createSecretKey(inner), Buffer.concat([told, aad]), sealed);
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    throw new KmsError('CORRUPT', 'wrapped DEK: damaged, or copied from another tenant or DEK');
  } finally {
    inner.fill(0);
  }
}
