export { payloadType, preAuthenticationEncoding, seal } from './envelopes.ts';
export {
  type AuditEvent,
  canonicalEvent,
  eventHash,
  isAuditEvent,
} from './event.ts';
export { exportEnd, exportHead, exportLine } from './export-lines.ts';
export { keysOfJwks, type PublicJwk, pinnedKey, thumbprint } from './public-keys.ts';
export { openSigner, type Signer, SignerError, signerOf } from './signer.ts';
export { type RotationPredicate, rotationPredicateType, rotationStatement } from './statement.ts';
export { type Verdict, verifyCertificate } from './verify.ts';
export { certificateVerify } from './verify-main.ts';
