import type { RangeId } from '@rekey/data';
import { parseRotationTicket, type RangeTicket, type TicketQueue } from '@rekey/jobs';
import { rotate } from '@rekey/rotation';
import type { Processor } from 'bullmq';
import { leaveToLater, type OutcomeDependencies, settle } from './outcome.ts';

/** Takes a tenant's rotation forward: activate, plan, then sweep it here or spread its ranges over the queue. */
export function processRotation(
  dependencies: OutcomeDependencies & { readonly ticketQueue: Pick<TicketQueue, 'enqueueRanges'> },
): Processor {
  const { env, ticketQueue, dropped } = dependencies;
  return async (job, token, jobSignal) => {
    leaveToLater(dependencies, job);
    const ticket = parseRotationTicket(job.data);
    if (ticket === null) {
      dropped(job.id);
      return;
    }
    const { rotationId } = ticket;
    await settle(dependencies, job, token, rotationId, jobSignal, (signal) =>
      rotate(env, rotationId, signal, (ranges) => ticketQueue.enqueueRanges(ranges.map(toTicket))),
    );
  };
}

function toTicket({ rotationId, target, ordinal }: RangeId): RangeTicket {
  return { rotationId, target, ordinal };
}
