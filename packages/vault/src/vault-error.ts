/**
 * - `RETRY`: nothing was written; run the transaction again. A rotation switched keys in its midst, or it met a
 *   concurrent write.
 * - `NO_ACTIVE_KEY`: the tenant does not exist or has no DEK yet: `createTenant`, or wait for its first rotation.
 * - `UNAVAILABLE`: Postgres, or the KMS for a DEK that is not at hand, cannot be reached; try again later.
 * - `UNREADABLE`: the record's bytes do not open: damaged, or moved from elsewhere. Never retried.
 * - `UNKNOWN_TARGET`: no such target is registered.
 * - `INVALID_ID`: an id that is none of the type that the target's table has.
 * - `ID_TAKEN`: a record with that id belongs to another tenant.
 * - `SEAL_LIMIT`: the active DEK has sealed as often as NIST SP 800-38D allows: rotate it.
 */
export type VaultErrorCode =
  | 'RETRY'
  | 'NO_ACTIVE_KEY'
  | 'UNAVAILABLE'
  | 'UNREADABLE'
  | 'UNKNOWN_TARGET'
  | 'INVALID_ID'
  | 'ID_TAKEN'
  | 'SEAL_LIMIT';

export class VaultError extends Error {
  readonly code: VaultErrorCode;

  constructor(code: VaultErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'VaultError';
    this.code = code;
  }
}
