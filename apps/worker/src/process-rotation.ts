import type { RangeId } from '@rekey/data';
import { parseRotationTicket, type RangeTicket, type TicketQueue } from '@rekey/jobs';
import { type Outcome, rotate } from '@rekey/rotation';
import type { Processor } from 'bullmq';
import { byPrecedence, leaveToLater, type OutcomeDependencies, settle } from './outcome.ts';

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
    const { rotationId, compromise } = ticket;
    const takeForward = (signal: AbortSignal): Promise<Outcome> =>
      rotate(env, rotationId, signal, (ranges) =>
        ticketQueue.enqueueRanges(
          ranges.map((range) => ({ ...toTicket(range), compromise: compromise === true })),
        ),
      );
    await byPrecedence(dependencies, job, token, ticket, (givesWay) =>
      settle(dependencies, job, token, { rotationId, jobSignal, givesWay, work: takeForward }),
    );
  };
}

function toTicket({ rotationId, target, ordinal }: RangeId): RangeTicket {
  return { rotationId, target, ordinal };
}
