export { beat, type Snapshot } from './beat.ts';
export {
  type CancelledRotation,
  cancelRotation,
  type FailureReason,
  failRotation,
  failureReasons,
} from './close-rotation.ts';
export { type CompletedRotation, completeRotation } from './complete-rotation.ts';
export {
  type DekState,
  holdActiveDek,
  type InsertedTenant,
  insertTenant,
  loadDeks,
  reserveSeals,
  storeMaterial,
  type WrappedDek,
} from './deks.ts';
export { findRotation } from './find-rotation.ts';
export { foldRecordCounts } from './fold-counts.ts';
export { type Failure, type FailurePage, listFailures } from './list-failures.ts';
export { listenForDeks } from './listen-for-deks.ts';
export { checkSchema, migrate } from './migrate.ts';
export { type OpenRange, openRanges } from './open-ranges.ts';
export {
  inTransaction,
  openStore,
  openSweepStore,
  type Queryable,
  row,
  rows,
  type Store,
  type StoreOptions,
  workerSession,
} from './open-store.ts';
export type { PackedRecords, SealedRecord } from './packed-records.ts';
export { idText } from './pg-binary.ts';
export { type OnRanges, type Plan, type Planned, planRanges, rangeItems } from './plan-ranges.ts';
export { proveRange } from './prove-range.ts';
export {
  claimRange,
  type Lease,
  leaseMs,
  type RangeId,
  releaseLease,
  renewLease,
  restartRange,
} from './range-lease.ts';
export { readWindow, type Window, type WindowBounds } from './read-window.ts';
export { type ColumnValue, readRecord, replaceRecords, type SealedWrite, upsertRecords } from './records.ts';
export {
  type Initiator,
  type RotationPhase,
  type RotationStatus,
  type RotationView,
  reviveView,
  type WaitingFor,
} from './rotation-view.ts';
export {
  beginVerifying,
  findUnfinished,
  loadRunning,
  type RunningRotation,
  type TakenUp,
  takeUp,
} from './running-rotation.ts';
export {
  forgetIdempotencyKeys,
  type IdempotencyKey,
  type StartedRotation,
  type StartRotation,
  startRotation,
} from './start-rotation.ts';
export { StoreError, type StoreErrorCode } from './store-error.ts';
export { type SwitchDek, switchDek } from './switch-dek.ts';
export {
  type IdType,
  type ItemCounts,
  type ItemType,
  itemTypes,
  loadTargets,
  type Target,
} from './targets.ts';
export { tenantExists } from './tenants.ts';
export { findUnattended, type Unattended } from './unattended.ts';
export {
  type Batch,
  createReplacements,
  type Replacements,
  type SetAside,
  seenBytes,
  writeBatch,
} from './write-batch.ts';
