export { drained } from './drained.ts';
export { type OpenRange, openRanges } from './open-ranges.ts';
export type { PackedRecords, SealedRecord } from './packed-records.ts';
export { idText } from './pg-binary.ts';
export { type ColumnValue, forgetColumns } from './plain-columns.ts';
export {
  type OnRanges,
  type Plan,
  type Planned,
  planIsComplete,
  planRanges,
  rangeItems,
} from './plan-ranges.ts';
export { type ProvedRange, proveRange } from './prove-range.ts';
export {
  claimRange,
  type Lease,
  leaseMs,
  leaveToDrain,
  type RangeId,
  releaseLease,
  renewLease,
  restartRange,
} from './range-lease.ts';
export { readWindow, type Window, type WindowBounds } from './read-window.ts';
export { RecordError, type RecordErrorCode } from './record-error.ts';
export {
  findUnwritten,
  readRecord,
  replaceRecords,
  type SealedWrite,
  type StoredRecord,
  type Unwritten,
  upsertRecords,
  type WriteRecords,
} from './records.ts';
export { silentFor, silentForMs } from './silent.ts';
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
export {
  type Batch,
  createReplacements,
  type Replacements,
  type SetAside,
  seenBytes,
  writeBatch,
} from './write-batch.ts';
