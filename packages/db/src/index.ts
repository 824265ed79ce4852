export { type Actor, actingAs } from './acting-as.ts';
export { asyncCommit } from './async-commit.ts';
export { type ConnectionBudget, connectionsMin, createConnectionBudget } from './connection-budget.ts';
export { type ConnectionRoom, findConnectionRoom, roomProblem } from './connection-room.ts';
export { databaseUrlProblem } from './database-url.ts';
export {
  openClient,
  openStore,
  openSweepStore,
  type Queryable,
  type Store,
  type StoreOptions,
  workerSession,
} from './open-store.ts';
export { prepared } from './prepared.ts';
export { missingRight, probeWrites } from './probe-writes.ts';
export { openSibling } from './sibling.ts';
export { inTransaction, row, rows, type TransactionOptions } from './statements.ts';
export { type SqlState, StoreError, type StoreErrorCode, speaking, sqlStateOf } from './store-error.ts';
