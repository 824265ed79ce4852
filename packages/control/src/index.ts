export * from './add-tenant.ts';
export {
  type AuditFilter,
  type AuditPage,
  isAuditCursor,
  type LoggedEvent,
  listEvents,
  type RecordedEvent,
  readEvents,
} from './audit.ts';
export { beat, type Snapshot } from './beat.ts';
export { type FoundCampaignFacts, findCampaignFacts } from './campaign-facts.ts';
export * from './campaign-figures.ts';
export {
  type CampaignWhom,
  type StartCampaign,
  type StartedCampaign,
  type StartedMember,
  settleCampaigns,
  startCampaign,
  startMember,
} from './campaign-work.ts';
export * from './campaigns.ts';
export {
  type CertifiedWork,
  certificateFacts,
  certificatesDue,
  findCertificate,
  type KeptCertificate,
  keepCertificate,
  listSigningKeys,
  registerSigningKey,
  type SigningKey,
} from './certificates.ts';
export {
  declareCompromised,
  type EndedHolder,
  endHolders,
  findHeldCompromised,
  isCompromiseUnderWay,
} from './compromised.ts';
export * from './console-sessions.ts';
export { type CutLeaf, cutEvents, cutLeaves, lastCutOf, latestCut } from './cuts.ts';
export {
  type DekState,
  findKeksInUse,
  type HeldDek,
  holdActiveDek,
  type InsertedTenant,
  insertTenant,
  type KekInUse,
  loadDeks,
  type NewMaterial,
  reserveSeals,
  type StoredDek,
  sampleDeks,
  storeMaterial,
  type WrappedDek,
} from './deks.ts';
export {
  approveDestruction,
  type ConditionName,
  type ConditionState,
  cancelDestruction,
  conditionNames,
  type DestructionCondition,
  type DestructionView,
  destroyKey,
  dueDestructions,
  findDestruction,
  type SteeredDestruction,
  scheduleDestruction,
  vacuumMaterial,
} from './destructions.ts';
export { drainingTenants, drainOlder, noteDrained, rangesToProve } from './drain.ts';
export * from './find-holders.ts';
export * from './find-rotation.ts';
export { findSnapshot } from './find-snapshot.ts';
export { foldRecordCounts } from './fold-counts.ts';
export { foldRanges, type RangeCell } from './fold-ranges.ts';
export { beginToFollow, type FollowedRotation, readFollowed } from './follow.ts';
export { estimateRotation } from './forecast/estimate.ts';
export * from './forecast/simulate-campaign.ts';
export { type Installation, loadInstallation } from './installation.ts';
export {
  findIntegrityProblems,
  type IntegrityProblem,
  integrityDetail,
  type RecognizedDatabase,
  recognizeDatabase,
} from './integrity.ts';
export * from './kek-compromises.ts';
export {
  findKekId,
  findLacking,
  type KekHolder,
  type KekView,
  kekCensus,
  keysFingerprint,
  type LackingProcess,
  listKeks,
  registerKek,
} from './keks.ts';
export {
  countKeyRecords,
  findKey,
  isKeysCursor,
  type KeyFilter,
  type KeyPage,
  type KeyProcess,
  type KeyRecords,
  type KeyState,
  type KeyView,
  keyStates,
  listKeyProcesses,
  listKeys,
} from './keys.ts';
export { type Failure, type FailurePage, isFailuresCursor, listFailures } from './list-failures.ts';
export {
  isRotationsCursor,
  listRotations,
  type RotationFilter,
  type RotationPage,
} from './list-rotations.ts';
export { listenForDeks } from './listen-for-deks.ts';
export { findLiveDeks } from './live-deks.ts';
export {
  appendLog,
  appendLogHeads,
  checkpointsAfter,
  headsAfter,
  headsInLog,
  type KeptCheckpoint,
  keepCheckpoint,
  keepCosignature,
  listCheckpoints,
  lockLog,
  logHeads,
  logHeadsAt,
  placesInLog,
  readLogHashes,
} from './log.ts';
export { type LongPause, noteLongPauses } from './long-pauses.ts';
export { nextEvents, type UnwrittenEvent } from './next-events.ts';
export { type CountedAccess, noteAccesses } from './note-accesses.ts';
export { keepHours } from './open-hours.ts';
export {
  type ClaimedPlan,
  claimPlan,
  completePlan,
  type FinishedRotation,
  forgetPlans,
  noteKmsCalls,
  notePlan,
  type PlanFacts,
  planFacts,
} from './plan-work.ts';
export {
  type Between,
  type EstimatedBy,
  findPlan,
  findPlanOf,
  type OpenedRecords,
  type PlanCheck,
  type PlanEstimate,
  type PlanProgress,
  type PlanView,
  planChecks,
  type StartedPlan,
  type StartPlan,
  startPlan,
  type UnusablePlan,
} from './plans.ts';
export * from './policies.ts';
export * from './policy-rounds.ts';
export * from './policy-standings.ts';
export {
  forgetProcesses,
  type Latencies,
  listProcesses,
  type ProcessFilter,
  type ProcessKind,
  type ProcessPage,
  type ProcessState,
  type ProcessView,
  reportUsage,
  type UsageReport,
} from './processes.ts';
export * from './read-samples.ts';
export {
  type ClaimedRewrap,
  claimRewrap,
  completeRewrap,
  type DekToRewrap,
  deksToRewrap,
  noteRewrap,
  type RewrappedDek,
  setDekAside,
  storeRewrapped,
} from './rewrap-work.ts';
export {
  findRewrap,
  listRewraps,
  type RewrapStatus,
  type RewrapView,
  type StartedRewrap,
  type StartRewrap,
  type SteeredRewrap,
  startRewrap,
  steerRewrap,
} from './rewraps.ts';
export {
  type Holder,
  type Initiator,
  type RotationView,
  reviveView,
  type ThrottledBy,
  type WaitingDetail,
  type WaitingFor,
} from './rotation-view.ts';
export { findUnfinished, loadRunning, type RunningRotation } from './running-rotation.ts';
export { type Summary, summarize } from './summarize.ts';
export * from './tenant-keks.ts';
export { type ThrottleSignal, throttleSignals } from './throttled-by.ts';
export {
  askThrottleQuery,
  endSilentThrottles,
  noteThrottle,
  type Pressure,
  readPressure,
  type Slot,
  type Standby,
  type ThrottleLevel,
  type Throttling,
} from './throttles.ts';
export { type RotationEvent, readTimeline, type Timeline } from './timeline.ts';
export { beginVerifying } from './transitions/begin-verifying.ts';
export {
  cancelRotation,
  type Ends,
  type FailureReason,
  failRotation,
  failureReasons,
} from './transitions/close-rotation.ts';
export { type CompletedRotation, completeRotation } from './transitions/complete-rotation.ts';
export { forgetIdempotencyKeys, type IdempotencyKey } from './transitions/idempotency-key.ts';
export {
  type LimitedRotation,
  limitRotation,
  readSpeedLimit,
  type SpeedLimitRead,
} from './transitions/limit-rotation.ts';
export { pauseRotation, resumeRotation } from './transitions/pause-rotation.ts';
export { type RetriedRotation, type RetryRotation, retryRotation } from './transitions/retry-rotation.ts';
export { type StartedRotation, type StartRotation, startRotation } from './transitions/start-rotation.ts';
export {
  firstState,
  type RotationPhase,
  type RotationStatus,
  rotationMoves,
  rotationPhases,
  rotationStatuses,
} from './transitions/states.ts';
export type { NotHeldBack, SteeredRotation, Steering } from './transitions/steered.ts';
export { type SwitchDek, type Switched, switchDek } from './transitions/switch-dek.ts';
export { type TakenUp, takeUp } from './transitions/take-up.ts';
export { findUnattended, type Unattended } from './unattended.ts';
export { findWorkFigures, itemsSweptHere, type WorkFigures } from './work-figures.ts';
