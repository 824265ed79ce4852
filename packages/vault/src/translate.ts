import { RecordError } from '@rekey/data';
import { StoreError } from '@rekey/db';
import { EnvelopeError } from '@rekey/envelope';
import { KmsError } from '@rekey/kms';
import { VaultError, type VaultErrorCode } from './vault-error.ts';

/** Throws whatever goes wrong in the words of the vault. */
export async function asVault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}

export function translate(error: unknown): VaultError {
  if (error instanceof VaultError) return error;
  if (error instanceof KmsError && /^(INVALID|UNSUPPORTED)_URI$/.test(error.code)) {
    return new VaultError('INVALID_VALUE', error.message, { cause: error });
  }
  if (error instanceof KmsError) {
    if (error.code === 'MISMATCH') return new VaultError('KEY_MISMATCH', error.message, { cause: error });
    const refuses = error.code === 'DENIED' || error.code === 'NOT_FOUND';
    const code = refuses ? 'KEK_SUSPENDED' : 'UNAVAILABLE';
    return new VaultError(code, `The KEK cannot be used: ${error.message}`, { cause: error });
  }
  if (error instanceof StoreError) return new VaultError(...ofStore(error), { cause: error });
  if (error instanceof RecordError) return new VaultError(ofRecord(error), error.message, { cause: error });
  // A constraint's, a trigger's or the driver's: its message and details may quote what was to be written.
  const sqlState = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/^[0-9A-Z]{5}$/.test(sqlState)) {
    return new VaultError('REFUSED', `Postgres refused the statement (${sqlState})`);
  }
  if (error instanceof Error && /after calling end on the pool/.test(error.message)) {
    return new VaultError('UNAVAILABLE', 'The vault or its store is closed');
  }
  if (error instanceof EnvelopeError) {
    return new VaultError('INTERNAL', 'A record could not be sealed', { cause: error });
  }
  const name = error instanceof Error ? error.name : typeof error;
  return new VaultError('INTERNAL', `Something went wrong that should not (${name})`);
}

function ofStore({ code, message, sqlState }: StoreError): [VaultErrorCode, string] {
  switch (code) {
    case 'CONFLICT':
    case 'FENCED':
    case 'LOCKED':
      return ['RETRY', 'The transaction met a concurrent one: run it again'];
    case 'UNAVAILABLE':
    case 'ACCESS_DENIED':
    case 'SCHEMA_MISSING':
    case 'REFUSED':
      return [code, message];
    case 'SCHEMA_OUTDATED':
      return ['SCHEMA_MISSING', message];
    case 'UNFIT':
      return ['REFUSED', message];
    case 'INTERNAL':
      if (sqlState === '25P01')
        return ['REFUSED', 'The client has no transaction open: begin one first (25P01)'];
      if (sqlState === '25P02')
        return ['REFUSED', "The client's transaction has failed before: roll it back (25P02)"];
      // What no list names may be a trigger's own SQLSTATE, or a caller's transaction that is in no state to go on; XX is
      // Postgres' own trouble with itself.
      return [sqlState === undefined || sqlState.startsWith('XX') ? 'INTERNAL' : 'REFUSED', message];
  }
}

function ofRecord({ code }: RecordError): VaultErrorCode {
  switch (code) {
    case 'COLUMNS_CHANGED':
    case 'VALUE_REFUSED':
      return 'INVALID_VALUE';
    case 'ID_REFUSED':
      return 'INVALID_ID';
    case 'TOO_LARGE':
      return 'TOO_LARGE';
    case 'NOT_WRITTEN':
      return 'REFUSED';
  }
}
