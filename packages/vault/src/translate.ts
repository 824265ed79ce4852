import { StoreError } from '@rekey/db';
import { KmsError } from '@rekey/kms';
import { VaultError } from './vault-error.ts';

/** Throws what the rooms below say in the words of the vault; anything else passes unchanged. */
export async function asVault<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): unknown {
  if (error instanceof KmsError) {
    return new VaultError('UNAVAILABLE', `A DEK could not be unwrapped: ${error.message}`, { cause: error });
  }
  if (!(error instanceof StoreError)) return error;
  switch (error.code) {
    case 'CONFLICT':
    case 'FENCED':
    case 'LOCKED':
      return new VaultError('RETRY', 'The transaction met a concurrent one: run it again', { cause: error });
    case 'UNAVAILABLE':
      return new VaultError('UNAVAILABLE', error.message, { cause: error });
    case 'ACCESS_DENIED':
    case 'SCHEMA_MISSING':
    case 'SCHEMA_OUTDATED':
    case 'REFUSED':
    case 'UNFIT':
    case 'INTERNAL':
      return error;
  }
}
