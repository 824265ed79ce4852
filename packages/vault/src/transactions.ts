import { inTransaction, type Queryable, rows, type Store } from '@rekey/db';
import { asVault } from './translate.ts';
import { VaultError } from './vault-error.ts';

/** What an attempt came to: `done` is committed, anything else rolled back. */
export type Attempt<Other> = (tx: Queryable) => Promise<'done' | Other>;

export async function inOwnTransaction<Other>(store: Store, work: Attempt<Other>): Promise<'done' | Other> {
  let came: 'done' | Other = 'done';
  return asVault(async () => {
    try {
      await inTransaction(store, async (tx) => {
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

const release = 'release savepoint rekey_put';
const rollback = 'rollback to savepoint rekey_put; release savepoint rekey_put';

/** Rolling back to the savepoint lets go of the DEK that was held, and of nothing of the caller's. */
export async function inSavepoint<Other>(client: Queryable, work: Attempt<Other>): Promise<'done' | Other> {
  return asVault(async () => {
    await rows(client, 'savepoint rekey_put');
    try {
      const came = await work(client);
      await rows(client, came === 'done' ? release : rollback);
      return came;
    } catch (error) {
      // Of a put that failed nothing stays, even if the caller goes on and commits.
      await rows(client, rollback).catch(() => {});
      throw error;
    }
  });
}

const lastOn = new WeakMap<Queryable, Promise<unknown>>();

/**
 * One after the other on one connection. A savepoint is the latest of its name: of two puts at once, one that fails
 * would take back what the other wrote, which would then be acknowledged.
 */
export async function inTurn<T>(client: Queryable | undefined, work: () => Promise<T>): Promise<T> {
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
