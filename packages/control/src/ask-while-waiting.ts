import { setTimeout as sleep } from 'node:timers/promises';
import { inTransaction, row, rows, type Store, StoreError } from '@rekey/db';

/** Within the 200 ms that the one session waits. */
const looksEveryMs = 30;

/**
 * Who holds a row in the way cannot always be told by a look that does not wait: a share lock that was taken in a savepoint
 * belongs to a transaction number that `pg_locks` does not show. So one session waits for them, for 200 ms, by `wait`, while
 * others are asked for whom, by its pid: two connections of one small pool might wait for each other. Nothing: nobody was in
 * the way, or they change too fast to be seen.
 */
export async function askWhileWaiting<Found>(
  store: Store,
  { text, values }: { readonly text: string; readonly values: unknown[] },
  ask: (pid: number) => Promise<Found[]>,
): Promise<Found[]> {
  const waiting = Promise.withResolvers<number>();
  const wait = inTransaction(store, async (tx) => {
    const { pid } = await row<{ pid: number }>(tx, 'select pg_backend_pid() as pid');
    waiting.resolve(pid);
    await rows(tx, text, values);
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
  let found: Found[] = [];
  while (!isOver && found.length === 0) {
    await sleep(looksEveryMs);
    found = await ask(pid);
  }
  await settled;
  return found;
}
