/**
 * What went wrong between us and Postgres, in words that callers act on.
 *
 * - `UNAVAILABLE`: Postgres cannot be reached, is starting, stopping, or out of a resource; try again.
 * - `ACCESS_DENIED`: Postgres knows us not, or a right is missing: somebody has to change something there.
 * - `LOCKED`: a lock was not to be had within the patience given; try again.
 * - `CONFLICT`: a serialization failure or deadlock ended the transaction; try again.
 * - `FENCED`: the write named a key that is not active (the database's fence refused it).
 * - `SCHEMA_MISSING`, `SCHEMA_OUTDATED`: the migrations have not run here, or not all of them.
 * - `REFUSED`: a constraint or guard of the schema refused the statement: a bug of the caller's.
 */
export type StoreErrorCode =
  | 'UNAVAILABLE'
  | 'ACCESS_DENIED'
  | 'LOCKED'
  | 'CONFLICT'
  | 'FENCED'
  | 'SCHEMA_MISSING'
  | 'SCHEMA_OUTDATED'
  | 'REFUSED';

export class StoreError extends Error {
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreError';
    this.code = code;
  }
}

/**
 * Runs `work` and throws whatever Postgres or the network said as a {@link StoreError}, without the text of the
 * statement or its values. Errors that are neither pass unchanged.
 */
export async function speaking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translate(error);
  }
}

function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreError) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const known = ofSqlState(code) ?? (isNetworkTrouble(code, error.message) ? 'UNAVAILABLE' : undefined);
  if (known === undefined) return error;
  return new StoreError(known, `${describe[known]} (${code || 'connection lost'})`);
}

const describe: Record<StoreErrorCode, string> = {
  UNAVAILABLE: 'Postgres is not available',
  ACCESS_DENIED: 'Postgres refuses access',
  LOCKED: 'A lock was not available in time',
  CONFLICT: 'The transaction met a concurrent one',
  FENCED: 'The key is not active',
  SCHEMA_MISSING: 'A table or function of the schema is missing',
  SCHEMA_OUTDATED: 'The schema is older than this program',
  REFUSED: 'The database refused the statement',
};

/** SQLSTATE classes as in the PostgreSQL manual, appendix A; class RK is this schema's own. */
function ofSqlState(code: string): StoreErrorCode | undefined {
  if (code === '55P03') return 'LOCKED';
  if (code === '40001' || code === '40P01') return 'CONFLICT';
  if (code === 'RK001') return 'FENCED';
  if (code === '42P01' || code === '3F000' || code === '42883' || code === '42703') return 'SCHEMA_MISSING';
  // 25P03: the transaction stood still for too long, and its session was ended.
  if (/^(08|53|57|58)...$/.test(code) || code === '25006' || code === '25P03') return 'UNAVAILABLE';
  // A prepared statement that the connection has lost, behind a pooler, or that DDL has made another.
  if (code === '26000' || code === '0A000') return 'UNAVAILABLE';
  if (/^28...$/.test(code) || code === '3D000' || code === '42501') return 'ACCESS_DENIED';
  if (/^(RK|21|22|23|42)...$/.test(code)) return 'REFUSED';
  return undefined;
}

/** node-postgres reports a lost connection by message only. */
function isNetworkTrouble(code: string, message: string): boolean {
  return (
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_|EHOST|ENET)/.test(code) ||
    /Connection terminated|connection timeout|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|not queryable|Query read timeout/i.test(
      message,
    )
  );
}
