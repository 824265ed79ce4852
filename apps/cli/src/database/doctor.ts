import { createConnectionBudget, findConnectionRoom, roomProblem, type Store } from '@rekey/db';
import { QueuePrefix, RedisUrl, readEnv } from '@rekey/runtime';
import { examineDatabase, type Finding } from '@rekey/schema';
import Type from 'typebox';
import { type Call, CommandError, UsageError } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';
import { styled } from '../output.ts';
import { durationMs } from '../watch.ts';
import { examineKeks } from './examine-keks.ts';
import { examineRedis } from './examine-redis.ts';
import { openKeks } from './open-keks.ts';
import { databaseUrl, withDatabase } from './with-database.ts';

/** As processes read them; what is not set is not looked at. */
const Variables = Type.Object({
  REDIS_URL: Type.Optional(RedisUrl),
  QUEUE_PREFIX: QueuePrefix,
  DATABASE_CONNECTIONS_MAX: Type.Integer({
    minimum: 3,
    maximum: 1_000,
    default: 12,
    description: 'a number from 3 to 1000',
  }),
});

interface Report {
  readonly facts: Record<string, string>;
  readonly findings: Finding[];
  readonly unseen: string[];
}

export async function doctor(call: Call): Promise<number> {
  const oldMs = durationMs(call.option('old') ?? '5m', 'old');
  databaseUrl(call);
  const config = read(call);
  const report: Report = { facts: { node: process.version }, findings: [], unseen: [] };
  await ofDatabase(call, report, {
    oldMs,
    connections: config.DATABASE_CONNECTIONS_MAX,
  });
  if (config.REDIS_URL === undefined) report.unseen.push('Redis: REDIS_URL is not set here');
  else
    merge(
      report,
      await examineRedis({
        url: config.REDIS_URL,
        prefix: config.QUEUE_PREFIX,
        installation: report.facts.installation ?? null,
      }),
    );
  return tell(call, report);
}

function read({ env }: Call) {
  try {
    return readEnv(Variables, env);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.replaceAll('\n', ' ') : String(error));
  }
}

interface Examined {
  readonly facts?: Readonly<Record<string, string>>;
  readonly findings: readonly Finding[];
  readonly unseen?: readonly string[];
}

function merge(report: Report, { facts = {}, findings, unseen = [] }: Examined): void {
  Object.assign(report.facts, facts);
  report.findings.push(...findings);
  report.unseen.push(...unseen);
}

/** Everything that is asked of Postgres, and the KEKs with what is stored there. */
async function ofDatabase(
  call: Call,
  report: Report,
  { oldMs, connections }: { oldMs: number; connections: number },
): Promise<void> {
  try {
    await withDatabase(call, async (store) => {
      merge(report, await examineDatabase(store, { oldMs }));
      await ofRoom(store, report, connections);
      await ofKeks(call, report, store);
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const todo = 'see DATABASE_URL, the server, its pg_hba.conf and the network between';
    report.findings.push({ code: `POSTGRES_${error.code}`, level: 'error', what: error.message, todo });
    await ofKeks(call, report, null);
  }
}

async function ofRoom(store: Store, { findings }: Report, connections: number): Promise<void> {
  const budget = createConnectionBudget(connections);
  const problem = roomProblem(budget, await findConnectionRoom(store, budget));
  if (problem !== null)
    findings.push({
      code: 'CONNECTIONS',
      level: 'warning',
      what: `${problem}.`,
      todo: 'raise max_connections or the limit named, or lower the budgets of processes and applications',
    });
}

async function ofKeks({ env }: Call, report: Report, store: Store | null): Promise<void> {
  const hasSchema = !report.findings.some(
    ({ code }) => code.startsWith('SCHEMA_M') || code === 'SCHEMA_OUTDATED',
  );
  try {
    const keks = await openKeks(env);
    if (keks === null) {
      report.unseen.push('the KEK: KEK_URI is not set here');
      return;
    }
    try {
      report.facts.kek = keks.held.map(({ id }) => id).join(', ');
      merge(report, await examineKeks(keks, hasSchema ? store : null));
    } finally {
      await keks.close();
    }
  } catch (error) {
    if (error instanceof CommandError)
      report.findings.push({
        code: error.code,
        level: 'error',
        what: error.message,
        todo: 'see the URI, the key and who may read it (docs/kek-providers.md)',
      });
    else throw error;
  }
}

function tell(call: Call, { facts, findings, unseen }: Report): number {
  const sorted = [...findings].sort((one, other) => one.level.localeCompare(other.level));
  const isGood = !sorted.some(({ level }) => level === 'error');
  call.tell({ good: isGood, facts, findings: sorted, unseen }, () => {
    const { out } = call;
    const width = Math.max(...Object.keys(facts).map(({ length }) => length));
    for (const [name, value] of Object.entries(facts))
      out.line(styled('dim', name.padEnd(width)), `  ${value}`);
    for (const { code, level, what, todo } of sorted) {
      out.line('');
      out.line(styled(level === 'error' ? 'bad' : 'bold', `${level} ${code}`), `  ${what}`);
      out.line(styled('dim', 'to do'), `  ${todo}`);
    }
    out.line('');
    for (const what of unseen) out.line(styled('dim', `not looked at: ${what}`));
    const errors = sorted.filter(({ level }) => level === 'error').length;
    out.line(
      sorted.length === 0
        ? styled(
            'good',
            unseen.length === 0 ? 'Nothing was found.' : 'Nothing was found in what could be looked at.',
          )
        : `Errors: ${errors}. Warnings: ${sorted.length - errors}.`,
    );
  });
  return isGood ? exitCodes.completed : exitCodes.failed;
}
