/**
 * `npm test`: brings up what the tests need, runs them, stops it again.
 * `npm test -- test/envelope/*.test.ts` runs these files only; arguments with a dash go to `node --test`. A first argument
 * that names a suite (`npm run test:fast`, `test:core`) runs that part of them.
 *
 * With DATABASE_URL or REDIS_URL set that server is used: everything made there has a name of this run, and is
 * removed at the end.
 *
 * The last line counts the tests that were skipped because a tool is missing; with CI=true these fail the run. What failed is told
 * before it once more, a line for each test. With TEST_AGAIN=n up to n files in which something failed are run again by themselves,
 * and a line names them.
 * TEST_TOOLS=all has tools downloaded that are larger than 60 MB.
 */
import { randomBytes } from 'node:crypto';
import { glob, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeDatabase, createDatabase, runProgram, runUntilDone, startServers } from '@rekey/stack';
import { failuresOf, filesToRunAgain, listOfFailures } from './harness/again.ts';
import { dropDatabasesOf } from './harness/database.ts';
import { summaryOf } from './harness/missing-tools.ts';
import { removeKeys } from './harness/redis.ts';
import { createRoles, dropRoles } from './harness/roles.ts';
import { alone, isSuite, suites } from './suites.ts';

/**
 * Two cores are what the smallest CI machine has. Tests wait more than they compute: with two files at a time a third of both cores
 * was idle, with three a seventh, and a part of the suite took 192 s instead of 247.
 */
const CONCURRENCY = 3;
/** For a whole file: the longest takes two minutes and a half, and five times that on a machine that others are at work on. */
const TIMEOUT_MS = 900_000;
/**
 * What tests kill is a process, never the machine, and what a process has written outlives it. So nobody waits for the
 * disk here, which on a shared machine may stand still for seconds. Servers of a test's own are durable as in production.
 */
const postgresSettings = { fsync: 'off' };
const REPORTER = new URL('./harness/missing-tools.ts', import.meta.url).href;

const [first = '', ...others] = process.argv.slice(2);
const { servers: withServers, files: inSuite } = suites[isSuite(first) ? first : 'all'];
const asked = isSuite(first) ? others : process.argv.slice(2);

await runUntilDone(async (signal) => {
  const run = randomBytes(4).toString('hex');
  const databases = `rekey_test_${run}`;
  const keys = `rekey-test-${run}`;
  const folder = await mkdtemp(join(tmpdir(), 'rekey-test-run-'));
  const report = join(folder, 'report');
  try {
    const code = withServers
      ? await runOnServers(databases, keys, environment(folder), report, signal)
      : await runTwice(environment(folder), report, signal);
    const { failures, rest } = failuresOf(await readAll(report));
    const { count, line } = summaryOf(rest);
    process.stdout.write(listOfFailures(failures));
    process.stdout.write(`${line}\n`);
    return count > 0 && process.env.CI === 'true' ? code || 1 : code;
  } finally {
    // A process that is just ending may still write what it compiled.
    await rm(folder, { recursive: true, maxRetries: 5, retryDelay: 200 });
  }
});

async function runOnServers(
  databases: string,
  keys: string,
  given: Record<string, string>,
  report: string,
  signal: AbortSignal,
): Promise<number> {
  const servers = await startServers(process.env, {
    log: (line) => process.stdout.write(`${line}\n`),
    postgresSettings,
  });
  try {
    const template = `${databases}_template`;
    const { migrate } = await import('@rekey/schema');
    const templateUrl = await createDatabase(servers.databaseUrl, template);
    await migrate(templateUrl);
    await createRoles(templateUrl, databases);
    await closeDatabase(servers.databaseUrl, template);

    const env = {
      ...given,
      TEST_DATABASE_ADMIN_URL: servers.databaseUrl,
      TEST_TEMPLATE_DATABASE: template,
      TEST_ROLES_PREFIX: databases,
      TEST_REDIS_URL: servers.redisUrl,
      TEST_REDIS_PREFIX: keys,
    };
    return await runTwice(env, report, signal);
  } finally {
    if (!servers.embedded.postgres) {
      await dropDatabasesOf(servers.databaseUrl, databases);
      await dropRoles(servers.databaseUrl, databases);
    }
    if (!servers.embedded.redis) await removeKeys(servers.redisUrl, keys);
    await servers.stop();
  }
}

/** What failed is run again where that was asked for: the run has failed if it fails again. */
async function runTwice(env: Record<string, string>, report: string, signal: AbortSignal): Promise<number> {
  const code = await runParts(env, report, signal);
  if (code === 0) return code;
  const failed = failuresOf(await readAll(report)).files;
  const again = filesToRunAgain(failed, Number(process.env.TEST_AGAIN ?? 0));
  if (again.length === 0) return code;
  const codeAgain = await runTests(testArguments(`${report}-again`, again, 1), env, signal);
  const outcome = codeAgain === 0 ? 'passed' : 'failed';
  process.stdout.write(`failed, and ${outcome} when run again: ${again.length} (${again.join(', ')})\n`);
  return codeAgain;
}

/** All of them, those first that are to have the machine for themselves; or those that were asked for. */
async function runParts(env: Record<string, string>, report: string, signal: AbortSignal): Promise<number> {
  if (inSuite !== suites.all.files || asked.some((argument) => !argument.startsWith('-')))
    return runTests(testArguments(report), env, signal);
  const files = await Array.fromAsync(glob([...inSuite], { exclude: [...alone] }));
  const codeAlone = await runTests(testArguments(`${report}-alone`, alone, 1), env, signal);
  const code = await runTests(testArguments(report, files.sort()), env, signal);
  return codeAlone || code;
}

async function runTests(args: string[], env: Record<string, string>, signal: AbortSignal): Promise<number> {
  const exit = await runProgram({ file: process.execPath, args, env, signal });
  signal.throwIfAborted();
  return exit.code ?? 1;
}

function testArguments(report: string, only?: readonly string[], concurrency = CONCURRENCY): string[] {
  const options = asked.filter((argument) => argument.startsWith('-'));
  const files = asked.filter((argument) => !argument.startsWith('-'));
  return [
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${TIMEOUT_MS}`,
    // A worker that closes while its Redis is away leaves timers of BullMQ's: they do not hold up the run.
    '--test-force-exit',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${REPORTER}`,
    `--test-reporter-destination=${report}`,
    ...options,
    ...(only ?? (files.length === 0 ? inSuite : files)),
  ];
}

/** What the reports of a run say; one that was not begun says nothing. */
async function readAll(report: string): Promise<string> {
  const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');
  return (await read(`${report}-alone`)) + (await read(report));
}

/**
 * Ours, without what would configure the product: a test says itself what it runs on. Some five hundred processes run the
 * same modules: each is compiled once, which halves what it takes them to start.
 */
function environment(folder: string): Record<string, string> {
  const { DATABASE_URL: _database, REDIS_URL: _redis, ...ours } = process.env;
  const rest = { ...ours, NODE_COMPILE_CACHE: join(folder, 'compiled') };
  const set = Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(set);
}
