export { auditVerify } from './audit-verify-main.ts';
export {
  originOf,
  readCheckpoints,
  type SignedCheckpoint,
  signCheckpoint,
  signerOfCheckpoint,
} from './checkpoint.ts';
export { addCheckpointBody, cosignatureOf, parseWitnessKey, type WitnessKey } from './cosignature.ts';
export { type Coverage, coverageOf } from './coverage.ts';
export { csvHead, csvLine } from './csv.ts';
export {
  bundleOf,
  bundleType,
  payloadType,
  preAuthenticationEncoding,
  seal,
  stampedBytes,
} from './envelopes.ts';
export {
  type AuditEvent,
  canonicalEvent,
  eventHash,
  isAuditEvent,
} from './event.ts';
export {
  type ChainCut,
  exportCut,
  exportEnd,
  exportHead,
  exportHeads,
  exportLine,
  type HeadProof,
  type InstallationProof,
} from './export-lines.ts';
export { headsTree } from './log.ts';
export {
  createFrontier,
  createTree,
  isConsistent,
  leafHash,
  rootByInclusion,
  unlessMissing,
} from './merkle.ts';
export { keysOfJwks, type PublicJwk, pinnedKey, thumbprint } from './public-keys.ts';
export {
  pinnedSecondKey,
  type SecondJwk,
  type SecondKey,
  secondKeysOfJwks,
  secondSignerBy,
} from './second-keys.ts';
export { type Signer, signerBy, signerOf } from './signer.ts';
export { certificatesIn, type StampProblem, type StampVerdict, verifyStamp } from './stamp.ts';
export { answerWith, stampQuery, tokenIn } from './stamp-answer.ts';
export { type Predicate, predicateTypes, statementOf } from './statement.ts';
export { type Trust, type Verdict, verifyCertificate } from './verify.ts';
export { certificateVerify } from './verify-main.ts';
