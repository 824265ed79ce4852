import { setTimeout as sleep } from 'node:timers/promises';
import { foldRecordCounts, forgetIdempotencyKeys } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Doorbell } from '@rekey/jobs';
import type { Logger } from '@rekey/runtime';
import { recover } from './recovery.ts';

export interface HousekeepingDependencies {
  readonly store: Store;
  readonly doorbell: Pick<Doorbell, 'ringAll' | 'ringRanges' | 'hurry'>;
  readonly logger: Logger;
  /** Ends the drains that jobs left, and says who is in the way. */
  readonly drain: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** About once in ten minutes. */
const turnsPerTidying = 600;

/** What a worker does besides its jobs, about once a second until the signal. Trouble is left for the next turn. */
export async function keepHouse({
  store,
  doorbell,
  logger,
  drain,
  signal,
}: HousekeepingDependencies): Promise<void> {
  for (let turn = 1; ; turn += 1) {
    // Jittered, so that many workers do not all look at the same moment.
    await sleep(700 + Math.random() * 600, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    try {
      await drain();
      await recover(store, doorbell);
      await foldRecordCounts(store);
      if (turn % turnsPerTidying === 0) await forgetIdempotencyKeys(store);
    } catch (error) {
      logger.debug('housekeeping waits', { error });
    }
  }
}
