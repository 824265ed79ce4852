import { Buffer } from 'node:buffer';
import { HEADER_BYTES, needKeyNumber, readKeyNumber, writeHeader } from './ciphertext-layout.ts';
import type { DekKey } from './dek.ts';
import { EnvelopeError } from './envelope-error.ts';
import { openBehind, sealBehind, sealInto } from './gcm.ts';
import { uuidBytes } from './record-id.ts';

/** Seals and opens the records of one tenant in one column: a ciphertext of another tenant or column does not open. */
export interface RecordCipher {
  /**
   * The ciphertext of a record, 33 bytes longer than its plaintext, with a fresh random IV. The plaintext is left as
   * it is. Count the seals of a key: with random IVs it may seal 2³² times (NIST SP 800-38D, section 8.3).
   *
   * @param recordId as Postgres sends the id in binary, see `recordIdBytes`
   * @throws EnvelopeError `INVALID_KEY_NUMBER`, `INVALID_KEY`
   */
  seal(key: DekKey, keyNumber: number, recordId: Buffer, plaintext: Buffer): Buffer;

  /**
   * The plaintext, in memory of its own, so that the caller can zero it. Which key to give, `readKeyNumber` tells;
   * the number itself is not looked at again.
   *
   * @throws EnvelopeError `MALFORMED` (whatever `readKeyNumber` answers null to), `AUTHENTICATION_FAILED`,
   *   `INVALID_KEY`
   */
  open(key: DekKey, recordId: Buffer, ciphertext: Buffer): Buffer;

  /**
   * Opens under `from`, seals under `to`, and writes the new ciphertext to `into` from `at` on; it is as long as the
   * given one, which is left as it is. The plaintext is zeroed before this returns or throws (copies inside OpenSSL
   * and V8 are beyond reach).
   *
   * @throws EnvelopeError as `open` and `seal` do; what stands in `into` behind `at` is then anything
   */
  reencrypt(
    record: {
      readonly recordId: Buffer;
      readonly ciphertext: Buffer;
      readonly from: DekKey;
      readonly to: DekKey;
      readonly toKeyNumber: number;
    },
    into: Buffer,
    at: number,
  ): void;
}

/** What the records of a cipher are bound to besides their ids. */
export interface RecordPlace {
  readonly tenantId: string;
  readonly column: string;
}

/**
 * @param column table and column, such as `credentials.ciphertext`, of 1 to 65,535 bytes in UTF-8
 * @throws EnvelopeError `INVALID_ID` when the tenant is no UUID or the column name no such text
 */
export function createRecordCipher({ tenantId, column }: RecordPlace): RecordCipher {
  const aadOf = createRecordAad(tenantId, column);

  const seal: RecordCipher['seal'] = (key, keyNumber, recordId, plaintext) => {
    needKeyNumber(keyNumber);
    const ciphertext = sealBehind(HEADER_BYTES, key, aadOf(recordId), plaintext);
    writeHeader(ciphertext, 0, keyNumber);
    return ciphertext;
  };

  const open: RecordCipher['open'] = (key, recordId, ciphertext) => {
    if (readKeyNumber(ciphertext) === null)
      throw new EnvelopeError('MALFORMED', 'not a ciphertext of this format');
    return openBehind(HEADER_BYTES, key, aadOf(recordId), ciphertext);
  };

  return {
    seal,
    open,
    reencrypt({ recordId, ciphertext, from, to, toKeyNumber }, into, at) {
      const plaintext = open(from, recordId, ciphertext);
      try {
        needKeyNumber(toKeyNumber);
        sealInto(into, at + HEADER_BYTES, to, aadOf(recordId), plaintext);
        writeHeader(into, at, toKeyNumber);
      } finally {
        plaintext.fill(0);
      }
    },
  };
}

/**
 * Tenant (16) ‖ length of the column name (2, big-endian) ‖ column name: what stands before the id in the AAD.
 *
 * @throws EnvelopeError `INVALID_ID`
 */
export function recordPlace(tenantId: string, column: string): Buffer {
  const name = Buffer.from(column, 'utf8');
  if (name.length < 1 || name.length > 0xffff || !column.isWellFormed()) {
    throw new EnvelopeError('INVALID_ID', 'a column name has 1 to 65535 bytes of UTF-8');
  }
  const nameLength = Buffer.alloc(2);
  nameLength.writeUInt16BE(name.length);
  return Buffer.concat([uuidBytes(tenantId), nameLength, name]);
}

/**
 * Place ‖ record id. The answer is the same memory every time, good until the next call: setAAD has taken it in when it
 * returns.
 */
function createRecordAad(tenantId: string, column: string): (recordId: Buffer) => Buffer {
  const place = recordPlace(tenantId, column);

  // Made anew only when the length of an id changes; ids of uuid and bigint never do.
  let aad = place;
  return (recordId) => {
    const length = place.length + recordId.length;
    if (aad.length !== length) aad = Buffer.concat([place], length);
    recordId.copy(aad, place.length);
    return aad;
  };
}
