/**
 * - `INVALID_URI`: the KEK's URI cannot be understood
 * - `UNSUPPORTED_URI`: a KMS that this version has no provider for
 * - `UNAVAILABLE`: the KMS cannot be reached or is busy. The only transient one: the same call may succeed later
 * - `DENIED`: the KMS, or the mode of the key file, refuses the KEK's use
 * - `NOT_FOUND`: no such KEK, or the DEK was wrapped under another one
 * - `NOT_HELD`: this process was not given the KEK that a DEK's row names, or none that stored DEKs are wrapped under.
 *   Another process may have it
 * - `MISMATCH`: the KMS gave other bytes for a wrapped DEK than the DEK that was stored. They were not used
 * - `CORRUPT`: the wrapped DEK is damaged or bound to another place, or the key file holds no key
 */
export type KmsErrorCode = (typeof kmsErrorCodes)[number];

export const kmsErrorCodes = [
  'INVALID_URI',
  'UNSUPPORTED_URI',
  'UNAVAILABLE',
  'DENIED',
  'NOT_FOUND',
  'NOT_HELD',
  'MISMATCH',
  'CORRUPT',
] as const;

/** All that a KEK throws. One line that an operator can act on, without a byte of a key. */
export class KmsError extends Error {
  override readonly name = 'KmsError';
  readonly code: KmsErrorCode;
  /** The KEK that it is about, where one is known. */
  readonly kekId: string | undefined;

  constructor(code: KmsErrorCode, message: string, { kekId }: { readonly kekId?: string } = {}) {
    super(message);
    this.code = code;
    this.kekId = kekId;
  }
}

/** Whether the same call may succeed later without anybody's doing: only `UNAVAILABLE`. */
export function isTransient(error: unknown): boolean {
  return error instanceof KmsError && error.code === 'UNAVAILABLE';
}
