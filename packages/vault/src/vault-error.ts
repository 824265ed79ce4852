/**
 * - `RETRY`: nothing was written; run the transaction again. A rotation switched keys in its midst, or it met a
 *   concurrent write.
 * - `NO_ACTIVE_KEY`: the tenant does not exist or has no DEK yet: `createTenant`, or wait for its first rotation.
 * - `UNAVAILABLE`: Postgres, or the KMS for a DEK that is not at hand, cannot be reached, or the vault is closed; try
 *   again later. Or the vault was not given the KEK of that DEK, which the message then names. A put without `client` may have been written when its connection was lost as it committed.
 * - `KEK_SUSPENDED`: the KMS refuses the KEK of a DEK that is not at hand: it is disabled, pending deletion, deleted, or
 *   forbidden to this process. Somebody has to act; the next call asks again.
 * - `KEY_MISMATCH`: the KMS gave other bytes than the DEK that was stored; nothing was sealed or opened with them. The next call
 *   asks again; if it stays so, somebody has to find out why.
 * - `UNREADABLE`: the record's bytes do not open: damaged, or moved from elsewhere. Never retried.
 * - `UNKNOWN_TARGET`: no such target is registered.
 * - `INVALID_ID`: an id that is none of the type that the target's table has, or too long for its index; the same id
 *   twice in one `putMany`; a tenant's id that is no UUID.
 * - `INVALID_VALUE`: a value or a plain column that would not be stored as it was given, or that a constraint of the
 *   table refuses.
 * - `TOO_LARGE`: a value beyond the vault's `valueBytesMax`, in a `put` or stored, or beyond what the installation allows.
 * - `ID_TAKEN`: a record with that id belongs to another tenant.
 * - `SEAL_LIMIT`: the active DEK has sealed as often as NIST SP 800-38D allows: rotate it.
 * - `ACCESS_DENIED`: Postgres does not know the role, or the role lacks a right.
 * - `SCHEMA_MISSING`: a table or function is missing or too old: the migrations have not run, or a table is gone.
 * - `REFUSED`: Postgres refused the statement for another reason: a trigger or rule of the application's, a `client`
 *   without a transaction or with one that has failed.
 * - `INTERNAL`: a mistake of this library's.
 */
export type VaultErrorCode =
  | 'RETRY'
  | 'NO_ACTIVE_KEY'
  | 'UNAVAILABLE'
  | 'KEK_SUSPENDED'
  | 'KEY_MISMATCH'
  | 'UNREADABLE'
  | 'UNKNOWN_TARGET'
  | 'INVALID_ID'
  | 'INVALID_VALUE'
  | 'TOO_LARGE'
  | 'ID_TAKEN'
  | 'SEAL_LIMIT'
  | 'ACCESS_DENIED'
  | 'SCHEMA_MISSING'
  | 'REFUSED'
  | 'INTERNAL';

/** The only kind of error that a vault throws. Neither it nor its cause shows a value, a ciphertext or a statement. */
export class VaultError extends Error {
  readonly code: VaultErrorCode;

  constructor(code: VaultErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'VaultError';
    this.code = code;
  }
}
