import { isPg, markAsPg } from './elsewhere.ts';
import type { Store } from './open-store.ts';
import type { Db, PgPool, Queryable } from './queryable.ts';
import { inTransaction } from './statements.ts';

/** The pool that was given, for what only node-postgres has: `LISTEN`, another pool beside it. Null: another driver. */
export function poolOf(given: PgPool | Db): Store | null {
  // Its shape and not its class: the application's copy of node-postgres may be another one than ours.
  return 'options' in given && 'connect' in given ? (given as Store) : null;
}

/** A pool as what {@link Db} says; anything else is one already. */
export function asDb(given: PgPool | Db): Db {
  const pool = poolOf(given);
  if (pool === null) return given as Db; // the other half of the union
  const db: Db = {
    query: (...statement) => pool.query(...statement),
    transaction: <T>(work: (tx: Queryable) => Promise<T>) => inTransaction(pool, work),
  };
  return isPg(pool) ? markAsPg(db) : db;
}
