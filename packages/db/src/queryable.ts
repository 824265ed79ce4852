// Without a type of node-postgres: applications that bring another driver compile against these.

/** What a statement came to. */
export interface Answer {
  /** One object per row, by the names of its columns; `bytea` as a `Uint8Array`. */
  readonly rows: readonly unknown[];
  /** Of an `INSERT`, `UPDATE` or `DELETE`: how many rows it concerned. */
  readonly rowCount?: number | null;
}

/**
 * Anything that takes a statement with its values for `$1`, `$2` …: a pool or a connection of node-postgres, or a function
 * of the caller's around another driver or an ORM's transaction. To what is not node-postgres itself, values are given
 * as strings (each in the form that Postgres reads for the type it expects there), numbers, booleans, null, and bytes for
 * a `bytea`.
 */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<Answer>;
}

/** A database by whatever driver. */
export interface Db extends Queryable {
  /**
   * Runs `work` in a transaction of its own, read committed, on one connection: committed when `work` resolves, rolled
   * back when it rejects, and then rejects with the same error.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
}

/** A pool of node-postgres: the application's own, or one of `openStore`. */
export interface PgPool extends Queryable {
  connect(): Promise<Queryable & { release(error?: Error | boolean): void }>;
  readonly options: object;
  readonly totalCount: number;
}
