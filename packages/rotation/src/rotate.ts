import { releaseLease, TargetTrouble } from '@rekey/data';
import { concludeHere, prepareSweep, type Sweepable } from './advance.ts';
import type { RotationEnvironment } from './environment.ts';
import { fetchNewDek } from './fetch-new-dek.ts';
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
  const sweep = await prepareSweep(env, rotationId, signal, { claimItemsMax: itemsSweptHere });
  if (sweep === null) return 'ended';
  await sweepHere(env, sweep, signal);
  if (sweep.trouble !== null) throw sweep.trouble;
  return (await concludeHere(env, rotationId)) === 'unproved' ? 'unfinished' : 'ended';
}

/** Rotations of up to so many records are swept by the job that prepared them; the queue would cost more. */
export const itemsSweptHere = 10_000;

/** Ranges of one rotation under way at once: while one waits for Postgres, another one seals. */
const lanes = 3;

/**
 * Sweeps the given ranges, a few at a time. `stopped` when the signal came before the last. Throws the first trouble; one
 * that concerns a single target, after the ranges of all others.
 * Those that were claimed with the plan are given back in any case.
 */
export async function sweepHere(
  env: RotationEnvironment,
  { rotation, targets, ranges }: Pick<Sweepable, 'rotation' | 'targets' | 'ranges'>,
  signal: AbortSignal,
): Promise<'swept' | 'stopped'> {
  const waiting = [...ranges];
  const troubles: TargetTrouble[] = [];
  try {
    const newDek = await fetchNewDek(env.keyring, rotation.tenantId, rotation.newDekId);
    if (newDek === null) return 'swept';
    const lane = async (): Promise<'swept' | 'stopped'> => {
      for (let range = waiting.shift(); range !== undefined; range = waiting.shift()) {
        const target = targets.get(range.target);
        if (target === undefined) continue;
        try {
          const swept: SweptRange = await sweepRange(env, rotation, target, { ...range, newDek }, signal);
          if (swept === 'stopped') return 'stopped';
        } catch (error) {
          if (!(error instanceof TargetTrouble)) throw error;
          troubles.push(error);
        }
      }
      return 'swept';
    };
    // All of them come to their end, so that none is at work behind the back of a caller who was told of trouble.
    const outcomes = await Promise.allSettled(Array.from({ length: lanes }, lane));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    const [trouble] = troubles;
    if (trouble !== undefined) throw trouble;
    return outcomes.some((outcome) => outcome.status === 'fulfilled' && outcome.value === 'stopped')
      ? 'stopped'
      : 'swept';
  } finally {
    // Left over after trouble or a signal: the next worker need not wait until they expire.
    const leases = waiting.flatMap(({ lease }) => (lease === null ? [] : [lease]));
    await Promise.all(leases.map((lease) => releaseLease(env.sweepStore, lease).catch(() => {})));
  }
}
