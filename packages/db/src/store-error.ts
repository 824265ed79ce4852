import { DatabaseError } from 'pg';
import { networkTrouble } from './network-trouble.ts';
import { isSqlState, meaningOf, missingStates } from './sql-state.ts';
import { foreignFunction, named, type PostgresError } from './what-is-named.ts';

/**
 * What went wrong between us and Postgres, in words that callers act on.
 *
 * - `UNAVAILABLE`: Postgres cannot be reached, is starting, stopping, read-only, or out of a resource; try again.
 * - `ACCESS_DENIED`: Postgres knows us not, or a right is missing: somebody has to change something there.
 * - `UNFIT`: the URL, TLS, a pooler or the database's own settings are not what this needs: likewise.
 * - `LOCKED`: a lock was not to be had within the patience given; try again.
 * - `CONFLICT`: a serialization failure or deadlock ended the transaction; try again.
 * - `FENCED`: the write named a key that is not active (the database's fence refused it).
 * - `SCHEMA_MISSING`, `SCHEMA_OUTDATED`: the migrations have not run here, or not all of them.
 * - `REFUSED`: a constraint, a guard of the schema or a trigger of the application refused the statement.
 * - `INTERNAL`: what no list here names; a bug of ours until shown otherwise.
 */
export type StoreErrorCode =
  | 'UNAVAILABLE'
  | 'ACCESS_DENIED'
  | 'UNFIT'
  | 'LOCKED'
  | 'CONFLICT'
  | 'FENCED'
  | 'SCHEMA_MISSING'
  | 'SCHEMA_OUTDATED'
  | 'REFUSED'
  | 'INTERNAL';

export class StoreError extends Error {
  readonly code: StoreErrorCode;
  /** Of Postgres, where it was Postgres that said so. */
  readonly sqlState: string | undefined;
  /** The same, with where it arose. */
  readonly said: SqlState | null;

  constructor(
    code: StoreErrorCode,
    message: string,
    {
      sqlState,
      said = null,
      ...options
    }: ErrorOptions & { readonly sqlState?: string; readonly said?: SqlState | null } = {},
  ) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
    this.sqlState = sqlState;
    this.said = said;
  }
}

export interface SqlState {
  /** SQLSTATE. */
  readonly state: string;
  /** Whether a function raised it, such as a trigger's. */
  readonly raisedInside: boolean;
  /** Whether it names a part of schema rekey, and no function but those of that schema was at work. */
  readonly isOurs: boolean;
}

/** What Postgres said, if it was Postgres: translated or not. */
export function sqlStateOf(error: unknown): SqlState | null {
  if (error instanceof StoreError) return error.said;
  if (!(error instanceof DatabaseError) || error.code === undefined) return null;
  const { where = '' } = error;
  const isOurs =
    /\brekey\b/.test(error.message) && functionsOf(where).every((name) => name?.startsWith('rekey.'));
  return { state: error.code, raisedInside: where !== '', isOurs };
}

/** The functions of a context, such as `PL/pgSQL function rekey.hold_dek(uuid) line 9 at RETURN QUERY`. */
function functionsOf(context: string): ReadonlyArray<string | undefined> {
  const lines = context.split('\n').filter((line) => line.startsWith('PL/'));
  return lines.map((line) => /\s([^\s(]+)\(/.exec(line)?.[1]);
}

/**
 * Runs `work` and throws whatever Postgres or the network said as a {@link StoreError}, without the text of the
 * statement or its values. Errors that are neither pass unchanged: they are the work's own.
 */
export async function speaking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}

export function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (isSqlState(code)) return ofPostgres(error, code);
  const trouble = networkTrouble(error);
  return trouble === undefined ? error : new StoreError(trouble.code, sentence(trouble.code, trouble.reason));
}

/** For what holds no work but ours: an error that is neither Postgres' nor the network's is a bug. */
export function translateAll(error: unknown): StoreError {
  const known = translate(error);
  if (known instanceof StoreError) return known;
  return new StoreError('INTERNAL', sentence('INTERNAL', 'a bug of this program'), { cause: error });
}

function ofPostgres(error: PostgresError, sqlState: string): StoreError {
  const said = sqlStateOf(error);
  const elsewhere = foreignFunction(error);
  const what = elsewhere === undefined ? named(error, sqlState) : `in ${elsewhere}`;
  if (missingStates.has(sqlState)) {
    // A trigger of the application that misses its own table leaves ours whole.
    const ours = elsewhere === undefined || / "?rekey\./.test(error.message);
    const code = ours ? 'SCHEMA_MISSING' : 'REFUSED';
    return new StoreError(code, `${sentence(code, what)} (${sqlState})`, { sqlState, said });
  }
  const { code, reason } = meaningOf(sqlState) ?? { code: 'INTERNAL' as const, reason: undefined };
  const words = [reason, what].filter((part) => part !== undefined).join(', ');
  return new StoreError(code, `${sentence(code, words)} (${sqlState})`, { sqlState, said });
}

function sentence(code: StoreErrorCode, reason: string | undefined): string {
  return reason === undefined || reason === '' ? describe[code] : `${describe[code]}: ${reason}`;
}

const describe: Record<StoreErrorCode, string> = {
  UNAVAILABLE: 'Postgres is not available',
  ACCESS_DENIED: 'Postgres refuses access',
  UNFIT: 'Postgres cannot be used like this',
  LOCKED: 'A lock was not available in time',
  CONFLICT: 'The transaction met a concurrent one',
  FENCED: 'The key is not active',
  SCHEMA_MISSING: 'A table or function of the schema is missing',
  SCHEMA_OUTDATED: 'The schema is older than this program',
  REFUSED: 'The database refused the statement',
  INTERNAL: 'An error that was not foreseen',
};
