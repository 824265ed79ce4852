export { checkSchema } from './check-schema.ts';
export { checkApiWork, checkWorkerWork } from './check-work.ts';
export { examineDatabase } from './examine/database.ts';
export type { Finding } from './examine/finding.ts';
export { findDrift, findDriftOfThisVersion } from './find-drift.ts';
export { type MigrateOptions, migrate } from './migrate.ts';
export {
  checkTarget,
  finishRegistration,
  listTargets,
  registerTarget,
  type TargetProblem,
  type TargetRequest,
} from './register-target.ts';
export { isInstalled } from './what-ran.ts';
