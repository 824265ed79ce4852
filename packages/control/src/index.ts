export * from './add-tenant.ts';
export * from './audit.ts';
export * from './beat.ts';
export * from './campaign-facts.ts';
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
export * from './certificate-stamps.ts';
export * from './certificates.ts';
export * from './compromised.ts';
export * from './console-sessions.ts';
export * from './cuts.ts';
export * from './deks.ts';
export * from './destructions.ts';
export * from './drain.ts';
export { toldNow } from './estimated-end.ts';
export * from './find-holders.ts';
export * from './find-rotation.ts';
export * from './find-snapshot.ts';
export * from './find-snapshots.ts';
export * from './fold-counts.ts';
export * from './fold-ranges.ts';
export * from './follow.ts';
export * from './forecast/estimate.ts';
export * from './forecast/simulate-campaign.ts';
export * from './installation.ts';
export {
  findIntegrityProblems,
  type IntegrityProblem,
  integrityDetail,
  type RecognizedDatabase,
  recognizeDatabase,
} from './integrity.ts';
export * from './kek-compromises.ts';
export * from './keks.ts';
export * from './keys.ts';
export * from './list-failures.ts';
export * from './list-rotations.ts';
export * from './listen-for-deks.ts';
export * from './live-deks.ts';
export * from './log.ts';
export * from './long-pauses.ts';
export * from './next-events.ts';
export * from './note-accesses.ts';
export { findHoursDue, type HoursDue, settleHours } from './open-hours.ts';
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
export * from './processes.ts';
export * from './read-samples.ts';
export * from './renewals.ts';
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
export * from './rewraps.ts';
export {
  type Holder,
  type Initiator,
  type MetWaiting,
  type RotationView,
  reviveView,
  type ThrottledBy,
  type WaitingDetail,
  type WaitingFor,
} from './rotation-view.ts';
export { findUnfinished, loadRunning, type RunningRotation } from './running-rotation.ts';
export * from './summarize.ts';
export * from './tenant-keks.ts';
export { type ThrottleSignal, throttleSignals } from './throttled-by.ts';
export * from './throttles.ts';
export { type RotationEvent, readTimeline, type Timeline } from './timeline.ts';
export * from './transitions/begin-verifying.ts';
export {
  cancelRotation,
  type Ends,
  type FailureReason,
  failRotation,
  failureReasons,
} from './transitions/close-rotation.ts';
export * from './transitions/complete-rotation.ts';
export { forgetIdempotencyKeys, type IdempotencyKey } from './transitions/idempotency-key.ts';
export {
  type LimitedRotation,
  limitRotation,
  readSpeedLimit,
  type SpeedLimitRead,
} from './transitions/limit-rotation.ts';
export * from './transitions/pause-rotation.ts';
export * from './transitions/retry-rotation.ts';
export * from './transitions/start-rotation.ts';
export {
  firstState,
  type RotationPhase,
  type RotationStatus,
  rotationMoves,
  rotationPhases,
  rotationStatuses,
} from './transitions/states.ts';
export type { NotHeldBack, SteeredRotation, Steering } from './transitions/steered.ts';
export * from './transitions/switch-dek.ts';
export * from './transitions/take-up.ts';
export * from './unattended.ts';
export * from './work-figures.ts';
