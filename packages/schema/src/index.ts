export { checkSchema } from './check-schema.ts';
export { checkApiWork, checkWorkerWork } from './check-work.ts';
export { type MigrateOptions, migrate } from './migrate.ts';
