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

/** Sweeps the given ranges one after the other. `stopped` when the signal came before the last. */
export async function sweepHere(
  env: RotationEnvironment,
  { rotation, targets, ranges }: Sweepable,
  signal: AbortSignal,
): Promise<'swept' | 'stopped'> {
  for (const range of ranges) {
    const target = targets.get(range.target);
    if (target === undefined) continue;
    const swept: SweptRange = await sweepRange(env, rotation, target, range, signal);
    if (swept === 'stopped') return 'stopped';
  }
  return 'swept';
}
