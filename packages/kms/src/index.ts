export type { Kek } from './kek.ts';
export { parseKekNames } from './kek-names.ts';
export type { KekTemplate } from './kek-template.ts';
export { asKeks, createKeks, type Keks, nameKeks } from './keks.ts';
export { isTransient, KmsError, type KmsErrorCode, kmsErrorCodes } from './kms-error.ts';
export { createLocalKeyFile } from './local-key-file.ts';
export { openKek } from './open-kek.ts';
export { openSecondSigningKey, openSigningKey, type SigningKey } from './signing-key.ts';
export {
  allowTenantKeks,
  type ChosenKek,
  openTenantKek,
  parseKekTemplates,
  type TenantKekRules,
  withTenantKeks,
} from './tenant-keks.ts';
