import { findUnattended } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { Doorbell } from '@rekey/jobs';

/**
 * Enqueues again what is unfinished in Postgres and shows no sign of life: after a call that found Redis away, a
 * FLUSHALL, a job that was lost. Nothing of this lives in Redis.
 */
export async function recover(
  store: Store,
  doorbell: Pick<Doorbell, 'ringAll' | 'ringRanges' | 'hurry'>,
): Promise<void> {
  const { rotations, ranges, overdue } = await findUnattended(store);
  if (rotations.length > 0) await doorbell.ringAll(rotations);
  if (ranges.length > 0) await doorbell.ringRanges(ranges);
  if (overdue.rotations.length + overdue.ranges.length > 0)
    await doorbell.hurry(overdue.rotations, overdue.ranges);
}
