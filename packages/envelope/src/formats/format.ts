import type { Buffer } from 'node:buffer';
import type { BatchCipher, Reencryption, ReencryptionOrder } from '../batch/batch-cipher.ts';
import type { RecordCipher, RecordPlace } from '../record-cipher.ts';

/** How sealed values are laid out: all that the other rooms know of the bytes that they read, compare and write. */
export interface Format {
  /** As it stands in `rekey.targets.format`. */
  readonly name: string;
  /**
   * The number of the key that is named by the value of so many bytes at `at`, or null where the bytes are not of this
   * format. Nothing authenticates it but that the key opens the value. No object is made.
   *
   * @throws RangeError for a part that is not within the memory
   */
  keyOf(memory: Buffer, at: number, bytes: number): number | null;
  /**
   * What tells a value from every other seal, as a compare-and-swap compares it: the first `identityBytes` of it, or all
   * where there are fewer. A view.
   */
  identityOf(sealed: Buffer): Buffer;
  readonly identityBytes: number;
  /** How long the sealed value of so many bytes is. */
  sealedBytes(plaintextBytes: number): number;
  /**
   * What opens and seals the records of one tenant in one column.
   *
   * @throws EnvelopeError `INVALID_ID`
   */
  at(place: RecordPlace): RecordCipher;
  /**
   * The batch form: re-encrypts the records of windows from the memory that they were read into to that which is sent.
   * Whoever begins it must end it.
   *
   * @param cipher what this thread re-encrypts with
   * @throws EnvelopeError `INVALID_ID`, `INVALID_KEY`, `INVALID_KEY_NUMBER`
   */
  begin(cipher: BatchCipher, order: ReencryptionOrder): Reencryption;
}
