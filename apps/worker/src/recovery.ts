import { setTimeout as sleep } from 'node:timers/promises';
import type { Doorbell } from '@rekey/jobs';
import type { Logger } from '@rekey/runtime';
import { findUnattended, forgetIdempotencyKeys, type Store } from '@rekey/store';

export interface RecoveryDependencies {
  readonly store: Store;
  readonly doorbell: Pick<Doorbell, 'ringAll' | 'ringRanges'>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** About once in ten minutes. */
const looksPerTidying = 600;

/**
 * Enqueues again what is unfinished in Postgres and shows no sign of life, about once a second until the signal: after
 * a call that found Redis away, a FLUSHALL, a job that was lost. Nothing of this lives in Redis.
 */
export async function recover({ store, doorbell, logger, signal }: RecoveryDependencies): Promise<void> {
  for (let looks = 1; !signal.aborted; looks += 1) {
    // Jittered, so that many workers do not all look at the same moment.
    await sleep(700 + Math.random() * 600, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    try {
      const { rotations, ranges } = await findUnattended(store);
      if (rotations.length > 0) await doorbell.ringAll(rotations);
      if (ranges.length > 0) await doorbell.ringRanges(ranges);
      if (looks % looksPerTidying === 0) await forgetIdempotencyKeys(store);
    } catch (error) {
      logger.debug('recovery could not look', { error });
    }
  }
}
