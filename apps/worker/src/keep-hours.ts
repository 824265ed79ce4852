import { keepHours, type Snapshot } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { TicketQueue } from '@rekey/jobs';
import type { Logger } from '@rekey/runtime';

interface HoursDependencies {
  readonly store: Store;
  readonly ticketQueue: Pick<TicketQueue, 'enqueueLost'>;
  readonly publish: (snapshot: Snapshot) => void;
  readonly logger: Logger;
}

/** Lets rotations stand still outside of their windows, which takes nobody's place, and brings workers when these open. */
export function createKeepHours({
  store,
  ticketQueue,
  publish,
  logger,
}: HoursDependencies): () => Promise<void> {
  return async () => {
    for (const { isOpen, ...snapshot } of await keepHours(store)) {
      const { view } = snapshot;
      publish(snapshot);
      const about = { rotationId: view.id, tenantId: view.tenantId };
      logger.info(isOpen ? 'rotation is in its windows again' : 'rotation waits for its windows', about);
      if (isOpen && view.status === 'in_progress')
        await ticketQueue.enqueueLost([{ ...about, compromise: view.compromise }]);
    }
  };
}
