import { type ConnectionBudget, findConnectionRoom, roomProblem, type Store } from '@rekey/db';
import type { Logger } from '@rekey/runtime';

const everyMs = 1_000;

/** Looks once, as soon as Postgres answers, whether it has room for all connections of this process, and says if not. */
export function warnOfRoom(store: Store, budget: ConnectionBudget, logger: Logger): { close(): void } {
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const look = async (): Promise<void> => {
    const room = await findConnectionRoom(store, budget).catch(() => null);
    if (closed) return;
    if (room === null) {
      timer = setTimeout(() => void look(), everyMs).unref();
      return;
    }
    const problem = roomProblem(budget, room);
    if (problem !== null) logger.warn(problem);
  };
  void look();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
