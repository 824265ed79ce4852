export type { Dek } from './held-deks.ts';
export { createKeyring, type Keyring, type UnwrapSource } from './keyring.ts';
export { makeDek, type NewDek, tryDek } from './make-dek.ts';
export { proveKeks } from './prove-keks.ts';
