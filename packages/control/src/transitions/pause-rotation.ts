import { inTransaction, type Queryable, rows, type Store } from '@rekey/db';
import type { Snapshot } from '../beat.ts';
import { progressOf, sumRanges } from '../progress.ts';
import {
  type Initiator,
  type RotationRow,
  type RotationView,
  rotationColumns,
  toView,
} from '../rotation-view.ts';
import { halt } from './close-rotation.ts';

/** Who steers a rotation, and why, for its events. */
export interface Steering {
  readonly actor: Initiator;
  readonly reason: string | null;
}

/**
 * - `changed`: it is as was asked, by this call.
 * - `unchanged`: it was so before.
 * - `finished`: it has ended, and never changes again.
 */
export type SteeredRotation =
  | ({ readonly kind: 'changed' } & Snapshot)
  | ({ readonly kind: 'unchanged' } & Snapshot)
  | { readonly kind: 'finished'; readonly view: RotationView }
  | { readonly kind: 'not_found' };

/**
 * Holds an unfinished rotation where it stands: batches that are committing are waited for, later ones are turned away, and
 * nobody plans, sweeps or proves it until it is resumed. Everything stays readable and writable, the tenant stays taken.
 */
export function pauseRotation(
  store: Store,
  rotationId: string,
  { actor, reason }: Steering,
): Promise<SteeredRotation> {
  return inTransaction(store, async (tx): Promise<SteeredRotation> => {
    const rotation = await halt(tx, rotationId);
    if (rotation?.status !== 'in_progress') return asItIs(tx, rotationId);
    const { sums, nowMs } = await sumRanges(tx, rotationId);
    // Whatever its rate was: nothing is done now, and the time it stands still counts for nothing later.
    const progress = { ...progressOf(rotation, sums, nowMs), itemsPerSecond: 0, samples: [] };
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

async function changed(
  on: Queryable,
  rotationId: string,
  [row]: readonly RotationRow[],
): Promise<SteeredRotation> {
  return row === undefined
    ? asItIs(on, rotationId)
    : { kind: 'changed', view: toView(row), version: Number(row.version) };
}

async function asItIs(on: Queryable, rotationId: string): Promise<SteeredRotation> {
  const [row] = await rows<RotationRow>(on, `select ${rotationColumns} from rekey.rotations where id = $1`, [
    rotationId,
  ]);
  if (row === undefined) return { kind: 'not_found' };
  const view = toView(row);
  const isUnfinished = row.status === 'in_progress' || row.status === 'paused';
  return isUnfinished
    ? { kind: 'unchanged', view, version: Number(row.version) }
    : { kind: 'finished', view };
}
