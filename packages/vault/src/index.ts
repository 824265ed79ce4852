export {
  type Columns,
  createVault,
  type PutRecord,
  type PutRecords,
  type RecordRef,
  type Vault,
  type VaultOptions,
} from './vault.ts';
export { VaultError, type VaultErrorCode } from './vault-error.ts';
