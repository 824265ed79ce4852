/**
 * - `INVALID_KEY`: not the bytes of an AES-256 key, or not such a key
 * - `INVALID_ID`: a tenant, a column name, a record id or a DEK id that cannot be bound to a ciphertext
 * - `INVALID_KEY_NUMBER`: not an integer of 1 to 2³¹ − 1
 * - `MALFORMED`: the bytes are not of the format, whatever the key
 * - `UNKNOWN_FORMAT`: a target's format is none that this version knows
 * - `AUTHENTICATION_FAILED`: another key, another tenant, column or record, or damage; GCM cannot tell which
 */
export type EnvelopeErrorCode =
  | 'INVALID_KEY'
  | 'INVALID_ID'
  | 'INVALID_KEY_NUMBER'
  | 'MALFORMED'
  | 'UNKNOWN_FORMAT'
  | 'AUTHENTICATION_FAILED';

/** All that this package throws. Neither message nor cause holds bytes of a key, a plaintext, a ciphertext or an id. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
  readonly code: EnvelopeErrorCode;

  constructor(code: EnvelopeErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
