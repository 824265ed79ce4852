import process from 'node:process';
import { databaseUrlProblem, openClient, StoreError, type StoreErrorCode } from '@rekey/db';
import { checkSchema } from './check-schema.ts';
import { findDrift } from './find-drift.ts';
import { migrate } from './migrate.ts';

/** What is over after a while: trying again may help. */
const passing: ReadonlySet<StoreErrorCode> = new Set(['UNAVAILABLE', 'LOCKED', 'CONFLICT']);

const databaseUrl = process.env.DATABASE_URL;
if (databaseUrl === undefined || databaseUrl === '') {
  refuse('is missing: it must be a postgres://user:password@host:port/database URL');
}
const withoutSampleTables = '--without-sample-tables';
const check = '--check';
const unknown = process.argv.slice(2).find((argument) => ![withoutSampleTables, check].includes(argument));
if (unknown !== undefined) {
  process.stderr.write(`migrate takes ${withoutSampleTables} or ${check} and nothing else: not ${unknown}\n`);
  process.exit(1);
}
const problem = databaseUrlProblem(databaseUrl);
if (problem !== null) refuse(problem);
try {
  if (process.argv.includes(check)) await checkOnly(databaseUrl);
  else
    await migrate(databaseUrl, {
      withoutSampleTables: process.argv.includes(withoutSampleTables),
      onWait: tellOnce(),
    });
  if (process.exitCode === undefined) process.stdout.write('The schema is up to date.\n');
} catch (error) {
  process.stderr.write(`Migration failed: ${describe(error)}\n`);
  process.exitCode = error instanceof StoreError && passing.has(error.code) ? 75 : 1;
}

/** What it waits for, as often as that is something else than before. */
function tellOnce(): (what: string) => void {
  let told = '';
  return (what) => {
    if (what !== told) process.stderr.write(`Waiting: ${what}\n`);
    told = what;
  };
}

/** Changes nothing: names what differs from what this version installs, and then exits with 1. */
async function checkOnly(url: string): Promise<void> {
  const client = await openClient({ url, applicationName: 'rekey-migrate' });
  try {
    await checkSchema(client);
    const drift = await findDrift(client);
    for (const line of drift) process.stdout.write(`${line}\n`);
    if (drift.length > 0) process.exitCode = 1;
  } finally {
    await client.end();
  }
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
