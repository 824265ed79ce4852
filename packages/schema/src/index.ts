export { checkSchema } from './check-schema.ts';
export { checkApiWork, checkWorkerWork } from './check-work.ts';
export { findDrift, findDriftOfThisVersion } from './find-drift.ts';
export { type MigrateOptions, migrate } from './migrate.ts';
