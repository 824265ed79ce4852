import type { OpenRange } from '@rekey/data';
import { parseRotationTicket, type RangeTicket, type TicketQueue } from '@rekey/jobs';
import { concludeHere, itemsSweptHere, prepareSweep, sweepHere } from '@rekey/rotation';
import type { Processor } from 'bullmq';
import { leaveToLater, noteIfCancelled, type OutcomeDependencies, settle } from './outcome.ts';

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
    await settle(dependencies, job, token, rotationId, jobSignal, async (signal) => {
      const spread = createSpread(ticketQueue);
      const sweep = await prepareSweep(env, rotationId, signal, {
        onRanges: spread.add,
        claimItemsMax: itemsSweptHere,
      });
      if (sweep === null) {
        await noteIfCancelled(dependencies, rotationId);
        return 'done';
      }
      // Those of an earlier plan, too. Whatever the queue does not take, recovery finds in Postgres.
      const isSpread = await spread.all(sweep.ranges);
      if (!isSpread && (await sweepHere(env, sweep, signal)) === 'stopped') return 'stopped';
      // Everything else is under way or done: the plan goes on once its table is there again.
      if (sweep.trouble !== null) throw sweep.trouble;
      if (!isSpread && (await concludeHere(env, rotationId)) === 'finished')
        await noteIfCancelled(dependencies, rotationId);
      return 'done';
    });
  };
}

/** Puts a rotation's ranges into the queue once there are more records in them than this job sweeps itself. */
function createSpread(ticketQueue: Pick<TicketQueue, 'enqueueRanges'>) {
  const held: OpenRange[] = [];
  let items = 0;
  const add = async (ranges: readonly OpenRange[]): Promise<void> => {
    held.push(...ranges);
    items += totalPlanned(ranges);
    if (items > itemsSweptHere) await ticketQueue.enqueueRanges(held.splice(0).map(toTicket));
  };
  return {
    add,
    /** Whether these are spread over the queue: a ticket that is there already is not taken twice. */
    async all(ranges: readonly OpenRange[]): Promise<boolean> {
      const isLarge = totalPlanned(ranges) > itemsSweptHere;
      if (isLarge) await ticketQueue.enqueueRanges(ranges.map(toTicket));
      return isLarge || items > itemsSweptHere;
    },
  };
}

function totalPlanned(ranges: readonly OpenRange[]): number {
  return ranges.reduce((sum, { planned }) => sum + planned, 0);
}

function toTicket({ rotationId, target, ordinal }: OpenRange): RangeTicket {
  return { rotationId, target, ordinal };
}
