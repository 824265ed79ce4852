import { databaseUrlProblem, openStore, type Store, StoreError, type StoreErrorCode } from '@rekey/db';
import { type Call, CommandError, UsageError } from '../command.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';

const ofErrors: Record<StoreErrorCode, ExitCode> = {
  UNAVAILABLE: exitCodes.unreachable,
  ACCESS_DENIED: exitCodes.notPermitted,
  UNFIT: exitCodes.failed,
  LOCKED: exitCodes.conflict,
  CONFLICT: exitCodes.conflict,
  FENCED: exitCodes.conflict,
  SCHEMA_MISSING: exitCodes.notFound,
  SCHEMA_OUTDATED: exitCodes.conflict,
  REFUSED: exitCodes.failed,
  INTERNAL: exitCodes.failed,
};

const patienceMs = 10_000;

/** Where the database is. It holds a password, so that no command takes it as an argument. */
export function databaseUrl({ env }: Call): string {
  const url = env.DATABASE_URL;
  if (url === undefined || url === '')
    throw new UsageError(
      'DATABASE_URL is missing: it must be a postgres://user:password@host:port/database URL.',
    );
  const problem = databaseUrlProblem(url);
  if (problem !== null) throw new UsageError(`DATABASE_URL ${problem}.`);
  return url;
}

export async function withDatabase<T>(call: Call, work: (store: Store) => Promise<T>): Promise<T> {
  const store = openStore({
    url: databaseUrl(call),
    max: 2,
    // Nobody's answer hangs on it, and a busy machine is not one that is away.
    connectTimeoutMs: patienceMs,
    queueTimeoutMs: 2 * patienceMs,
    applicationName: 'rekey-cli',
    onError: () => {},
  });
  try {
    return await speaking(() => work(store));
  } finally {
    await store.end();
  }
}

/** Whatever Postgres said, with the exit code that scripts go by. */
export async function speaking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreError) throw new CommandError(error.code, said(error), ofErrors[error.code]);
    if (error instanceof Error && error.message.startsWith('SASL'))
      throw new CommandError(
        'ACCESS_DENIED',
        'The server asks for a password, and DATABASE_URL holds none.',
        exitCodes.notPermitted,
      );
    throw error;
  }
}

const said = ({ message }: StoreError): string => (message.endsWith('.') ? message : `${message}.`);
