export { type OpenRange, openRanges } from './open-ranges.ts';
export type { PackedRecords, SealedRecord } from './packed-records.ts';
export { idText } from './pg-binary.ts';
export { type ColumnValue, forgetColumns } from './plain-columns.ts';
export {
  type CutOrder,
  type CutRange,
  cutFirstRanges,
  cutRanges,
  type PlanEdge,
  type PlanEdges,
  planEdges,
  planIsComplete,
  rangeItems,
  type StoreOrder,
  storeRanges,
} from './plan-ranges.ts';
export { type ProvedRange, proveRange, proveRanges, type SweptRange } from './prove-range.ts';
export {
  claimRange,
  type Lease,
  leaveToDrain,
  noteWaiting,
  type RangeId,
  releaseLease,
  renewLease,
  restartRange,
} from './range-lease.ts';
export { readAnew } from './read-anew.ts';
export {
  deleteRecord,
  type FoundRecord,
  type ReadRecords,
  readRecord,
  readRecords,
  type StoredRecord,
} from './read-records.ts';
export { readSizes, type SizesOrder, type SizesRead } from './read-sizes.ts';
export { readSmallWindows, type SmallWindowOrder } from './read-small-windows.ts';
export { readWindow, type Window, type WindowBounds } from './read-window.ts';
export { RecordError, type RecordErrorCode } from './record-error.ts';
export {
  findUnwritten,
  replaceRecords,
  type SealedWrite,
  type Unwritten,
  upsertRecords,
  type WriteRecords,
} from './records.ts';
export { createReplacements, type Replacements } from './replacements.ts';
export { refusalOf, type SetAside, type SetAsideReason, setAsideReasons } from './set-aside.ts';
export { seconds, silentFor, silentForMs } from './silent.ts';
export { asTargetTrouble, hasRecords, proveByCounts, TargetTrouble } from './target-trouble.ts';
export {
  type IdType,
  type ItemCounts,
  type ItemType,
  inOrder,
  itemTypes,
  loadTargets,
  noItems,
  type Target,
  totalOf,
} from './targets.ts';
export { isDamage } from './unreadable.ts';
export { type Batch, type Locked, writeAlone, writeBatch } from './write-batch.ts';
export { type OwnBatch, writeBatches } from './write-batches.ts';
