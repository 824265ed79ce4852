import { inTransaction, rows, type Store } from '@rekey/db';
import { progressOf, sumRanges } from '../progress.ts';
import { type RotationRow, rotationColumns } from '../rotation-view.ts';
import { asItIs, changed, type NotHeldBack, type SteeredRotation, type Steering } from './steered.ts';

/**
 * Holds an unfinished rotation where it stands: batches that are committing are waited for for less than a second, later ones are turned
 * away, and nobody plans, sweeps or proves it until it is resumed. What a slower batch wrote shows in the counts of one that goes on.
 * Everything stays readable and writable, the tenant stays taken.
 */
export function pauseRotation(
  store: Store,
  rotationId: string,
  { actor, reason }: Steering,
): Promise<SteeredRotation | NotHeldBack> {
  return inTransaction(store, async (tx): Promise<SteeredRotation | NotHeldBack> => {
    const [rotation] = await rows<RotationRow>(tx, `select ${rotationColumns} from rekey.hold_still($1)`, [
      rotationId,
    ]);
    if (rotation?.compromise === true) return { kind: 'not_held_back' };
    if (rotation?.status !== 'in_progress') return asItIs(tx, rotationId);
    const { sums, nowMs } = await sumRanges(tx, rotationId);
    // Whatever its rate was: nothing is done now, and the time it stands still counts for nothing later.
    const known = progressOf(rotation, sums, nowMs);
    const progress = { ...known, itemsPerSecond: 0, samples: [], course: undefined };
    const found = await rows<RotationRow>(
      tx,
      `select ${rotationColumns} from rekey.pause_rotation($1, $2, $3, $4)`,
      [rotationId, reason, JSON.stringify(progress), JSON.stringify(actor)],
    );
    return changed(tx, rotationId, found);
  });
}

/** Lets a paused rotation run again. Needs a ticket, which a worker would else miss until it looks by itself. */
export function resumeRotation(
  store: Store,
  rotationId: string,
  { actor, reason }: Steering,
): Promise<SteeredRotation> {
  return inTransaction(store, async (tx): Promise<SteeredRotation> => {
    const found = await rows<RotationRow>(
      tx,
      `select ${rotationColumns} from rekey.resume_rotation($1, $2, $3)`,
      [rotationId, reason, JSON.stringify(actor)],
    );
    return changed(tx, rotationId, found);
  });
}
