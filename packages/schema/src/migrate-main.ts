import process from 'node:process';
import { databaseUrlProblem, StoreError } from '@rekey/db';
import { migrate } from './migrate.ts';

const databaseUrl = process.env.DATABASE_URL;
if (databaseUrl === undefined || databaseUrl === '') {
  refuse('is missing: it must be a postgres://user:password@host:port/database URL');
}
const withoutSampleTables = '--without-sample-tables';
const unknown = process.argv.slice(2).find((argument) => argument !== withoutSampleTables);
if (unknown !== undefined) {
  process.stderr.write(`migrate takes ${withoutSampleTables} and nothing else: not ${unknown}\n`);
  process.exit(1);
}
const problem = databaseUrlProblem(databaseUrl);
if (problem !== null) refuse(problem);
try {
  await migrate(databaseUrl, { withoutSampleTables: process.argv.includes(withoutSampleTables) });
  process.stdout.write('The schema is up to date.\n');
} catch (error) {
  process.stderr.write(`Migration failed: ${describe(error)}\n`);
  process.exitCode = error instanceof StoreError && error.code === 'UNAVAILABLE' ? 75 : 1;
}

/** As the other processes say it. */
function refuse(what: string): never {
  process.stderr.write(`config: DATABASE_URL ${what}\n`);
  process.exit(1);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  // The driver's own words for it name a mechanism and no cause.
  if (error.message.startsWith('SASL')) return 'the server asks for a password, and DATABASE_URL holds none';
  return error.message.split('\n', 1)[0] ?? '';
}
