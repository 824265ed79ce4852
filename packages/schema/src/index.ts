export { checkSchema } from './check-schema.ts';
export { type MigrateOptions, migrate } from './migrate.ts';
