export { checkSchema, migrate } from './migrate.ts';
