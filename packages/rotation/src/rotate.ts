import { itemsSweptHere } from '@rekey/control';
import { releaseLease, TargetTrouble } from '@rekey/data';
import { concludeHere, prepareSweep, type Sweepable } from './advance.ts';
import type { RotationEnvironment } from './environment.ts';
import { fetchNewDek } from './fetch-new-dek.ts';
import type { Outcome } from './outcome.ts';
import { createProofsTogether } from './prove-together.ts';
import { createSpread, type HandOut } from './spread.ts';
import { sweepRange } from './sweep-range.ts';

/**
 * Takes a rotation as far as it goes: activate, plan, sweep, verify. The ranges of one that is larger than
 * {@link itemsSweptHere} are handed out, and whoever proves the last one completes it; without `handOut`, and of smaller
 * ones, all are swept here. `left`: some are not proved, and others see to them. Throws what `diagnose` understands, with
 * everything done so far committed.
 */
export async function rotate(
  env: RotationEnvironment,
  rotationId: string,
  signal: AbortSignal,
  handOut?: HandOut,
): Promise<Outcome> {
  const spread = handOut === undefined ? null : createSpread(handOut);
  const prepared = await prepareSweep(env, rotationId, signal, {
    onRanges: spread?.add,
    claimItemsMax: itemsSweptHere,
  });
  if (prepared === null) return 'lost';
  // Those of an earlier plan, too. Whatever the queue does not take, recovery finds in Postgres.
  const isSpread = (await spread?.all(prepared.ranges)) ?? false;
  if (!isSpread && (await sweepHere(env, prepared, signal)) === 'stopped') return 'stopped';
  // Everything else is under way or done: the plan goes on once its table is there again.
  if (prepared.trouble !== null) throw prepared.trouble;
  return isSpread ? 'left' : concludeHere(env, rotationId);
}

/** Ranges of one rotation under way at once: while one waits for Postgres, another one seals. */
const lanes = 3;

/**
 * Sweeps the given ranges, a few at a time. `stopped` when the signal came before the last. Throws the first trouble; one
 * that concerns a single target, after the ranges of all others.
 * Those that were claimed with the plan are given back in any case.
 */
export async function sweepHere(
  env: RotationEnvironment,
  { rotation, targets, ranges, newDek: known }: Pick<Sweepable, 'rotation' | 'targets' | 'ranges' | 'newDek'>,
  signal: AbortSignal,
): Promise<Extract<Outcome, 'done' | 'stopped'>> {
  const waiting = [...ranges];
  const troubles: TargetTrouble[] = [];
  try {
    const newDek = await (known ?? fetchNewDek(env, rotation.tenantId, rotation.newDekId));
    if (newDek === null) return 'done';
    const proofs = waiting.length > lanes ? undefined : createProofsTogether();
    const lane = async (): Promise<'done' | 'stopped'> => {
      for (let range = waiting.shift(); range !== undefined; range = waiting.shift()) {
        const target = targets.get(range.target);
        if (target === undefined) continue;
        const leave = proofs?.enter();
        try {
          const order = { rotation, target, range: { ...range, newDek }, signal, proofs };
          if ((await sweepRange(env, order)) === 'stopped') return 'stopped';
        } catch (error) {
          if (!(error instanceof TargetTrouble)) throw error;
          troubles.push(error);
        } finally {
          leave?.();
        }
      }
      return 'done';
    };
    // All of them come to their end, so that none is at work behind the back of a caller who was told of trouble.
    const outcomes = await Promise.allSettled(Array.from({ length: lanes }, lane));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    const [trouble] = troubles;
    if (trouble !== undefined) throw trouble;
    return outcomes.some((outcome) => outcome.status === 'fulfilled' && outcome.value === 'stopped')
      ? 'stopped'
      : 'done';
  } finally {
    // Left over after trouble or a signal: the next worker need not wait until they expire.
    const leases = waiting.flatMap(({ lease }) => (lease === null ? [] : [lease]));
    await Promise.all(leases.map((lease) => releaseLease(env.sweepStore, lease).catch(() => {})));
  }
}
