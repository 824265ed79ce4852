/** What a KMS answers that will pass: whoever needs it waits for `kms`. */
export const passing = [
  'aws-throttled',
  'aws-away',
  'aws-silent',
  'aws-garbled',
  'aws-slow',
  'gcp-throttled',
  'gcp-away',
  'gcp-garbled',
  'gcp-slow',
  'azure-throttled',
  'azure-away',
  'azure-garbled',
  'azure-slow',
  'transit-throttled',
  'transit-sealed',
  'transit-away',
  'transit-garbled',
  'transit-slow',
  'hsm-away',
] as const;

/** What somebody has to put right: whoever needs it waits for `kek_suspended`. */
export const refusing = [
  'aws-denied',
  'aws-disabled',
  'aws-deleted',
  'gcp-denied',
  'gcp-disabled',
  'gcp-destroyed',
  'azure-denied',
  'azure-disabled',
  'azure-deleted',
  'transit-denied',
  'transit-deleted',
] as const;

/** `<KMS>-<trouble>`, as `world/kms-troubles.ts` has them. */
export const kmsServerKinds = [...refusing, ...passing] as const;
export type KmsServerKind = (typeof kmsServerKinds)[number];
