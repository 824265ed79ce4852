export { asyncCommit } from './async-commit.ts';
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
export { prepared } from './prepared.ts';
export { openSibling } from './sibling.ts';
export { StoreError, type StoreErrorCode, speaking } from './store-error.ts';
