import { findHoursDue, type HoursDue, type Snapshot, settleHours } from '@rekey/control';
import { type Store, StoreError } from '@rekey/db';
import type { TicketQueue } from '@rekey/jobs';
import type { Logger } from '@rekey/runtime';

interface HoursDependencies {
  readonly store: Store;
  /** For what waits: a rotation whose row somebody holds for longer than the store above is patient. */
  readonly waitingStore: Store;
  /** So many of these at once. */
  readonly waitsMax: number;
  readonly ticketQueue: Pick<TicketQueue, 'enqueueLost'>;
  readonly publish: (snapshot: Snapshot) => void;
  readonly logger: Logger;
}

/**
 * Lets rotations stand still outside of their windows, which takes nobody's place, and brings workers when these open. Trouble
 * with one keeps none of the others from it. Whose row is held for long is waited for beside the rounds: it may be free for moments
 * only, so whoever gives up and comes again may miss them for hours.
 */
export function createKeepHours({
  store,
  waitingStore,
  waitsMax,
  ticketQueue,
  publish,
  logger,
}: HoursDependencies): () => Promise<void> {
  const waitedFor = new Set<string>();

  const turn = async (on: Store, due: HoursDue): Promise<void> => {
    const turned = await settleHours(on, due);
    if (turned === null) return;
    const { isOpen, ...snapshot } = turned;
    const { view } = snapshot;
    publish(snapshot);
    const about = { rotationId: view.id, tenantId: view.tenantId };
    logger.info(isOpen ? 'rotation is in its windows again' : 'rotation waits for its windows', about);
    if (isOpen && view.status === 'in_progress')
      await ticketQueue.enqueueLost([{ ...about, compromise: view.compromise }]);
  };

  const waitFor = (due: HoursDue): void => {
    const { rotationId } = due;
    if (waitedFor.size >= waitsMax) return; // the next round comes to it again
    waitedFor.add(rotationId);
    turn(waitingStore, due)
      .catch((error: unknown) =>
        logger.debug('the windows of a rotation could not be kept', { rotationId, error }),
      )
      .finally(() => waitedFor.delete(rotationId));
  };

  return async () => {
    let trouble: unknown;
    for (const due of await findHoursDue(store)) {
      if (waitedFor.has(due.rotationId)) continue;
      try {
        await turn(store, due);
      } catch (error) {
        const code = error instanceof StoreError ? error.code : null;
        if (code === 'UNAVAILABLE') throw error; // it is away for the others, too
        if (code === 'LOCKED') waitFor(due);
        else trouble ??= error;
      }
    }
    if (trouble !== undefined) throw trouble;
  };
}
