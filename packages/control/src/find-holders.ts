import { setTimeout as sleep } from 'node:timers/promises';
import { inTransaction, row, rows, type Store, StoreError } from '@rekey/db';
import type { Holder } from './rotation-view.ts';

/** Within the 200 ms that the one session waits. */
const looksEveryMs = 30;

/**
 * Who holds an older DEK of the tenant. A look that does not wait cannot always tell: a share lock that was taken in a
 * savepoint belongs to a transaction number that `pg_locks` does not show. So one session waits for them, for 200 ms,
 * while another one, of `asking`, asks for whom: two connections of one small pool might wait for each other. Nobody: it has drained meanwhile, or they change too fast to be seen.
 */
export async function findHolders(store: Store, tenantId: string, asking: Store = store): Promise<Holder[]> {
  const waiting = Promise.withResolvers<number>();
  const wait = inTransaction(store, async (tx) => {
    const { pid } = await row<{ pid: number }>(tx, 'select pg_backend_pid() as pid');
    waiting.resolve(pid);
    await rows(tx, 'select rekey.wait_for_drain($1)', [tenantId]);
  });
  wait.catch(waiting.reject);
  let isOver = false;
  const settled = wait
    .catch((error: unknown) => {
      if (!(error instanceof StoreError) || error.code !== 'LOCKED') throw error;
    })
    .finally(() => {
      isOver = true;
    });
  settled.catch(() => {}); // awaited below
  const pid = await waiting.promise;
  let holders: Holder[] = [];
  while (!isOver && holders.length === 0) {
    await sleep(looksEveryMs);
    holders = await blockersOf(asking, pid);
  }
  await settled;
  return holders;
}

async function blockersOf(store: Store, pid: number): Promise<Holder[]> {
  const found = await rows<{
    pid: number | null;
    gid: string | null;
    application_name: string | null;
    began: Date | null;
  }>(store, 'select pid, gid, application_name, began from rekey.blockers_of($1)', [pid]);
  return found.map((holder) => ({
    pid: holder.pid,
    gid: holder.gid,
    applicationName: holder.application_name,
    since: holder.began?.toISOString() ?? null,
    sinceIsExact: holder.began !== null,
  }));
}
