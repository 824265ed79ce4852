import { findUnattended } from '@rekey/control';
import type { Store } from '@rekey/db';
import type { TicketQueue } from '@rekey/jobs';

/**
 * Enqueues again what is unfinished in Postgres and has no heartbeat: after a call that found Redis away, a
 * FLUSHALL, a job that was lost. Nothing of this lives in Redis. What waits for a free worker has no heartbeat either:
 * it is told from what was lost by its job. One that Redis holds the id of, and nobody would ever be given, is found once it
 * is overdue.
 */
export async function recover(
  store: Store,
  ticketQueue: Pick<TicketQueue, 'enqueueLost' | 'enqueueLostRanges' | 'hurry'>,
): Promise<void> {
  const { rotations, ranges, overdue } = await findUnattended(store);
  if (rotations.length > 0) await ticketQueue.enqueueLost(rotations);
  if (ranges.length > 0) await ticketQueue.enqueueLostRanges(ranges);
  if (overdue.rotations.length + overdue.ranges.length > 0)
    await ticketQueue.hurry(overdue.rotations, overdue.ranges);
}
