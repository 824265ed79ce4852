import process from 'node:process';
import { StoreError } from '@rekey/db';
import { migrate } from './migrate.ts';

const databaseUrl = process.env.DATABASE_URL;
if (databaseUrl === undefined || databaseUrl === '') {
  process.stderr.write('DATABASE_URL: missing (postgres://user:password@host:5432/database)\n');
  process.exit(1);
}
try {
  await migrate(databaseUrl);
  process.stdout.write('The schema is up to date.\n');
} catch (error) {
  process.stderr.write(`Migration failed: ${error instanceof Error ? error.message : 'unknown error'}\n`);
  process.exitCode = error instanceof StoreError && error.code === 'UNAVAILABLE' ? 75 : 1;
}
