import type { Buffer } from 'node:buffer';
import type { DekKey } from '../dek.ts';
import type { RecordPlace } from '../record-cipher.ts';

/** Re-encrypts the records of batches, from the memory that they were read into to the memory that they are sent from. */
export interface BatchCipher {
  /** `ffi`: OpenSSL called by its addresses. `node`: `node:crypto`. The bytes are the same. */
  readonly kind: 'ffi' | 'node';
  /**
   * Everything that one pass over the records of a column needs. Whoever begins it must end it.
   *
   * @throws EnvelopeError `INVALID_ID`, `INVALID_KEY`, `INVALID_KEY_NUMBER`
   */
  begin(pass: ReencryptionOrder): Reencryption;
}

export interface ReencryptionOrder extends RecordPlace {
  readonly to: DekKey;
  readonly toKeyNumber: number;
}

/** What became of a record. Unless it is `done`, what stands at its place in the target is anything. */
export type Outcome = 'done' | 'MALFORMED' | 'AUTHENTICATION_FAILED';

/** It is synchronous throughout, and its parameters are numbers: a record makes no object. */
export interface Reencryption {
  /**
   * Opens under `from` the ciphertext of `ciphertextBytes` at `ciphertextAt` of the source, bound to the id that is at
   * `idAt`, seals it under the key of the pass, and writes it to `into` from `at` on: it is as long as before. The source
   * is left as it is. The plaintext is zeroed before this returns or throws.
   *
   * @throws RangeError for a part that is not within its memory, with nothing done; EnvelopeError `INVALID_KEY`;
   *   CipherFault
   */
  reencrypt(
    from: DekKey,
    source: Buffer,
    idAt: number,
    idBytes: number,
    ciphertextAt: number,
    ciphertextBytes: number,
    into: Buffer,
    at: number,
  ): Outcome;
  /** Lets go of what was made for keys to open with, but for these: a key that left the keyring is not held here. */
  retain(keys: ReadonlySet<DekKey>): void;
  /** Lets go of everything. Nothing may be re-encrypted after it. */
  end(): void;
}

/** What OpenSSL did not do although nothing of the record can be the reason: no memory, or a bug. */
export class CipherFault extends Error {
  override readonly name = 'CipherFault';
}

/** Lengths go to C as `int`. */
const endMax = 2 ** 31 - 1;

/**
 * The one place where a part of a memory is looked at before an address is made of it.
 *
 * @throws RangeError
 */
export function needPart(memory: Buffer, at: number, bytes: number): void {
  const isWithin =
    Number.isSafeInteger(at) &&
    Number.isSafeInteger(bytes) &&
    at >= 0 &&
    bytes >= 0 &&
    at + bytes <= endMax &&
    at + bytes <= memory.length;
  if (!isWithin) throw new RangeError('not a part of this memory');
}
