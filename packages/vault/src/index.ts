export type { ColumnValue } from '@rekey/data';
export type { Answer, Db, PgPool, Queryable, StoreOptions } from '@rekey/db';
export { createKeks, type Kek, type Keks } from '@rekey/kms';
export { allowTenantKeks, openKek, openStore } from './open.ts';
export type { Columns, PutRecord, PutRecords, RecordRef, RecordRefs, SealedRow } from './types.ts';
export { createVault, type Vault, type VaultOptions } from './vault.ts';
export { VaultError, type VaultErrorCode } from './vault-error.ts';
