import { type Db, type Queryable, rows, StoreError } from '@rekey/db';
import { asVault } from './translate.ts';
import { VaultError } from './vault-error.ts';

/** What an attempt came to: `done` is committed, anything else rolled back. */
export type Attempt<Other> = (tx: Queryable) => Promise<'done' | Other>;

export async function inOwnTransaction<Other>(db: Db, work: Attempt<Other>): Promise<'done' | Other> {
  let came: 'done' | Other = 'done';
  return asVault(async () => {
    try {
      await db.transaction(async (tx) => {
        came = await work(tx);
        if (came !== 'done') throw new RollBack();
      });
    } catch (error) {
      if (!(error instanceof RollBack)) throw error;
    }
    return came;
  });
}

class RollBack extends Error {}

/** One by one: not every driver sends two statements at once. */
async function release(client: Queryable): Promise<void> {
  await rows(client, 'release savepoint rekey_put');
}

async function rollBack(client: Queryable): Promise<void> {
  await rows(client, 'rollback to savepoint rekey_put');
  await release(client);
}

/** Rolling back to the savepoint lets go of the DEK that was held, and of nothing of the caller's. */
export async function inSavepoint<Other>(client: Queryable, work: Attempt<Other>): Promise<'done' | Other> {
  return asVault(async () => {
    await rows(client, 'savepoint rekey_put');
    try {
      const came = await work(client);
      await (came === 'done' ? release(client) : rollBack(client));
      return came;
    } catch (error) {
      // Of a put that failed nothing stays, even if the caller goes on and commits.
      const isBack = await rollBack(client).then(
        () => true,
        () => false,
      );
      if (isBack && (await isReadOnlyByChoice(client, error))) throw readOnly(error);
      throw error;
    }
  });
}

/** Postgres says the same of a standby, which is to be waited for, and of a transaction that was begun as read-only. */
async function isReadOnlyByChoice(client: Queryable, error: unknown): Promise<boolean> {
  if (!(error instanceof StoreError) || error.sqlState !== '25006') return false;
  const question = `select 1 where not pg_is_in_recovery() and current_setting('transaction_read_only') = 'on'`;
  return (await rows(client, question).catch(() => [])).length > 0;
}

function readOnly(cause: unknown): VaultError {
  const message = "The client's transaction is read-only: begin one that may write (25006)";
  return new VaultError('REFUSED', message, { cause });
}

const lastOn = new WeakMap<Queryable, Promise<unknown>>();

/**
 * One after the other on one connection. A savepoint is the latest of its name: of two puts at once, one that fails
 * would take back what the other wrote, which would then be acknowledged.
 */
export async function oneAtATime<T>(client: Queryable | undefined, work: () => Promise<T>): Promise<T> {
  if (client === undefined) return work();
  if (typeof client?.query !== 'function') throw new VaultError('REFUSED', 'The client is no connection');
  const before = lastOn.get(client);
  const mine = (async () => {
    await before?.catch(() => {});
    return work();
  })();
  lastOn.set(client, mine);
  return mine;
}
