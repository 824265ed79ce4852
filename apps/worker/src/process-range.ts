import { parseRangeTicket } from '@rekey/jobs';
import { conclude, loadSweep, type Outcome, sweepRange } from '@rekey/rotation';
import type { Processor } from 'bullmq';
import { byPrecedence, leaveToLater, type OutcomeDependencies, settle } from './outcome.ts';

/** Sweeps and proves one range; whoever proves the last one ends the rotation. */
export function processRange(dependencies: OutcomeDependencies): Processor {
  const { env, dropped } = dependencies;
  return async (job, token, jobSignal) => {
    leaveToLater(dependencies, job);
    const range = parseRangeTicket(job.data);
    if (range === null) {
      dropped(job.id);
      return;
    }
    const { rotationId } = range;
    const sweepIt = async (signal: AbortSignal): Promise<Outcome> => {
      const sweep = await loadSweep(env, rotationId);
      const target = sweep?.targets.get(range.target);
      if (sweep === null) return 'lost';
      if (target === undefined) return 'done';
      const { rotation } = sweep;
      if ((await sweepRange(env, { rotation, target, range, signal })) === 'stopped') return 'stopped';
      return conclude(env, rotationId);
    };
    await byPrecedence(dependencies, job, token, range, (givesWay) =>
      settle(dependencies, job, token, { rotationId, jobSignal, givesWay, work: sweepIt }),
    );
  };
}
