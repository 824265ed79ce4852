export type { Columns, PutRecord, PutRecords, RecordRef } from './types.ts';
export { createVault, type Vault, type VaultOptions } from './vault.ts';
export { VaultError, type VaultErrorCode } from './vault-error.ts';
