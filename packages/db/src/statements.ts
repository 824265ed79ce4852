import type { PoolClient, QueryResultRow } from 'pg';
import { askElsewhere, isPg } from './elsewhere.ts';
import type { Store } from './open-store.ts';
import { ownTypes } from './own-types.ts';
import type { Queryable } from './queryable.ts';
import { StoreError, speaking, translateAll } from './store-error.ts';
import { bePatient, sessionOf } from './store-pool.ts';

/** One statement; its rows. Throws {@link StoreError}. */
export async function rows<Row extends QueryResultRow>(
  on: Queryable,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  try {
    if (isPg(on)) return (await on.query<Row>({ text, values: [...values], types: ownTypes })).rows;
    return (await askElsewhere(on, text, values)).rows as Row[]; // as the statement names its columns
  } catch (error) {
    throw translateAll(error);
  }
}

/** One statement that yields exactly one row. */
export async function row<Row extends QueryResultRow>(
  on: Queryable,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row> {
  const [first] = await rows<Row>(on, text, values);
  if (first === undefined) throw new StoreError('REFUSED', 'A statement that yields one row yielded none');
  return first;
}

export interface TransactionOptions {
  /**
   * How long Postgres may work on one statement of it without a word, in place of what the pool has: for what is known
   * to take long. The server's own limit lies a little below, so that nothing goes on after it was given up here.
   */
  readonly silentMaxMs?: number;
}

/**
 * Runs `work` in a transaction of its own: committed when it returns, rolled back when it throws. A connection
 * whose rollback fails is thrown away. A `COMMIT` whose answer was lost throws `UNAVAILABLE`: it may have happened.
 */
export async function inTransaction<T>(
  store: Store,
  work: (tx: Queryable) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const client = await speaking(() => store.connect());
  let broken: Error | undefined;
  // Without a listener, a connection that dies while checked out would end the process.
  const onDeath = (error: Error): void => {
    broken = error;
  };
  client.on('error', onDeath);
  try {
    if (options.silentMaxMs !== undefined) bePatient(client, options.silentMaxMs);
    return await speaking(async () => {
      await client.query(beginning(client, options));
      const result = await work(client);
      await client.query('commit');
      return result;
    });
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    client.off('error', onDeath);
    client.release(broken);
  }
}

/** One round trip, whatever it sets. The isolation is said, since a session may have another by default. */
function beginning(client: PoolClient, { silentMaxMs }: TransactionOptions): string {
  const parts = ['begin isolation level read committed'];
  const settings = sessionOf(client)?.perTransaction;
  if (settings !== undefined) parts.push(settings);
  if (silentMaxMs !== undefined) parts.push(`set local statement_timeout = ${Math.floor(0.9 * silentMaxMs)}`);
  return parts.join('; ');
}
