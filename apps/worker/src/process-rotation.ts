import { type Doorbell, parseRotationTicket } from '@rekey/jobs';
import { conclude, prepareSweep, type Sweepable, sweepHere } from '@rekey/rotation';
import type { Processor } from 'bullmq';
import { type OutcomeDependencies, settle } from './outcome.ts';

/** Rotations of up to so many records are swept by the job that prepared them; the queue would cost more. */
const itemsSweptHere = 10_000;

/** Takes a tenant's rotation forward: activate, plan, then sweep it here or spread its ranges over the queue. */
export function processRotation(
  dependencies: OutcomeDependencies & { readonly doorbell: Pick<Doorbell, 'ringRanges'> },
): Processor {
  const { env, doorbell, logger } = dependencies;
  return async (job, token, jobSignal) => {
    const ticket = parseRotationTicket(job.data);
    if (ticket === null) {
      logger.warn('a job that is none of ours was dropped', { jobId: job.id });
      return;
    }
    const { rotationId } = ticket;
    await settle(dependencies, job, token, rotationId, jobSignal, async (signal) => {
      const sweep = await prepareSweep(env, rotationId, signal);
      if (sweep === null) return 'done';
      if (isLarge(sweep)) {
        // Whatever the queue does not take, recovery finds in Postgres.
        await doorbell.ringRanges(
          sweep.ranges.map(({ target, ordinal }) => ({ rotationId, target, ordinal })),
        );
        return 'done';
      }
      if ((await sweepHere(env, sweep, signal)) === 'stopped') return 'stopped';
      if ((await conclude(env, rotationId)) === 'completed')
        logger.info('rotation completed', { rotationId });
      return 'done';
    });
  };
}

function isLarge({ ranges }: Sweepable): boolean {
  return ranges.reduce((sum, { planned }) => sum + planned, 0) > itemsSweptHere;
}
