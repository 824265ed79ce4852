import { checkSchema, findDrift, isInstalled, migrate as runMigrations } from '@rekey/schema';
import { type Call, CommandError } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { databaseUrl, speaking, withDatabase } from './with-database.ts';

export async function migrate(call: Call): Promise<number> {
  if (call.on('check')) return check(call);
  await run(call);
  call.tell({ upToDate: true }, () => call.out.line('The schema is up to date.'));
  return exitCodes.completed;
}

/** Changes nothing: names what differs from what this version installs. */
async function check(call: Call): Promise<number> {
  const drift = await withDatabase(call, async (store) => {
    await checkSchema(store);
    return findDrift(store);
  });
  call.tell({ upToDate: drift.length === 0, drift }, () => {
    for (const line of drift) call.out.line(line);
    if (drift.length === 0) call.out.line('The schema is up to date.');
  });
  return drift.length === 0 ? exitCodes.completed : exitCodes.failed;
}

/** The first migration of a database, and what comes after it. */
export async function init(call: Call): Promise<number> {
  if (await withDatabase(call, isInstalled))
    throw new CommandError(
      'SCHEMA_THERE',
      'The schema rekey is there already: rekey migrate brings it up to date.',
      exitCodes.conflict,
    );
  await run(call);
  const steps = nextSteps(call.on('without-sample-tables'));
  call.tell({ initialized: true, nextSteps: steps.map(([what, command]) => ({ what, command })) }, () => {
    call.out.line('The schema rekey is there. What comes next:');
    for (const [what, command] of steps) {
      call.out.line('');
      call.out.line(`# ${what}`);
      call.out.line(command);
    }
  });
  return exitCodes.completed;
}

async function run(call: Call): Promise<void> {
  const url = databaseUrl(call);
  let told = '';
  await speaking(() =>
    runMigrations(url, {
      withoutSampleTables: call.on('without-sample-tables'),
      onWait(what) {
        if (what !== told) call.err.line(`Waiting: ${what}`);
        told = what;
      },
    }),
  );
}

function nextSteps(withoutSampleTables: boolean): Array<[what: string, command: string]> {
  return [
    [
      'The roles of processes: make them (create role … login), then as the owner of the schema, in SQL',
      "select rekey.grant_api('rekey_api'), rekey.grant_worker('rekey_worker'), rekey.grant_application('rekey_app'), rekey.grant_operator('rekey_operator');",
    ],
    [
      withoutSampleTables
        ? 'Your tables: what stands in the way, then without --check'
        : 'Your own tables, beside those that ship (credentials, api_keys, secrets): what stands in the way, then without --check',
      'rekey target register tokens --type secrets --table public.tokens --check',
    ],
    [
      'A worker, with the KEK; and an API, without it',
      'DATABASE_URL=… REDIS_URL=… KEK_URI=… npm run start:worker',
    ],
    ['Whether all of it is well', 'DATABASE_URL=… REDIS_URL=… KEK_URI=… rekey doctor'],
  ];
}
