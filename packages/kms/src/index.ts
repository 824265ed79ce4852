export type { Kek } from './kek.ts';
export { asKeks, createKeks, type Keks } from './keks.ts';
export { isTransient, KmsError, type KmsErrorCode } from './kms-error.ts';
export { createLocalKeyFile } from './local-key-file.ts';
export { openKek } from './open-kek.ts';
