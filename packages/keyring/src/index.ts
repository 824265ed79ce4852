export { type Dek, dekAgesOf } from './held-deks.ts';
export { createKeyring, type Keyring, type UnwrapSource } from './keyring.ts';
export { makeDek, type NewDek, tryDek } from './make-dek.ts';
export { proveKeks } from './prove-keks.ts';
export { type Reports, startReporting } from './report-usage.ts';
export { isRoundTrip, roundTripAad } from './round-trip.ts';
export { bindTenantKeks, tryTenantKek } from './tenant-keks.ts';
export { needDek, unwrapStored } from './unwrap-stored.ts';
export { createUsage, type Usage } from './usage.ts';
