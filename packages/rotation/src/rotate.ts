import { conclude, prepareSweep, type Sweepable } from './advance.ts';
import type { RotationEnvironment } from './environment.ts';
import { type SweptRange, sweepRange } from './sweep-range.ts';

/**
 * A whole rotation in one call: activate, plan, sweep, verify. What a worker does for small rotations; larger ones
 * have their ranges spread over the queue. Returns whether the rotation has ended. Throws what `diagnose`
 * understands, with everything done so far committed.
 */
export async function rotate(
  env: RotationEnvironment,
  rotationId: string,
  signal: AbortSignal,
): Promise<'ended' | 'unfinished'> {
  const sweep = await prepareSweep(env, rotationId, signal);
  if (sweep === null) return 'ended';
  await sweepHere(env, sweep, signal);
  return (await conclude(env, rotationId)) === 'unproved' ? 'unfinished' : 'ended';
}

/** Ranges of one rotation under way at once: while one waits for Postgres, another one seals. */
const lanes = 3;

/** Sweeps the given ranges, a few at a time. `stopped` when the signal came before the last. Throws the first trouble. */
export async function sweepHere(
  env: RotationEnvironment,
  { rotation, targets, ranges }: Sweepable,
  signal: AbortSignal,
): Promise<'swept' | 'stopped'> {
  const waiting = ranges.values();
  const lane = async (): Promise<'swept' | 'stopped'> => {
    for (const range of waiting) {
      const target = targets.get(range.target);
      if (target === undefined) continue;
      const swept: SweptRange = await sweepRange(env, rotation, target, range, signal);
      if (swept === 'stopped') return 'stopped';
    }
    return 'swept';
  };
  // All of them come to their end, so that none is at work behind the back of a caller who was told of trouble.
  const outcomes = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return outcomes.some((outcome) => outcome.status === 'fulfilled' && outcome.value === 'stopped')
    ? 'stopped'
    : 'swept';
}
