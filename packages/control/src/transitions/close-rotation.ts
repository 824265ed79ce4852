import { itemTypes } from '@rekey/data';
import { inTransaction, type Queryable, row, rows, type Store, StoreError } from '@rekey/db';
import type { Snapshot } from '../beat.ts';
import { progressOf, sumRanges } from '../progress.ts';
import {
  type Initiator,
  type Progress,
  type RotationRow,
  rotationColumns,
  toView,
} from '../rotation-view.ts';
import { pauseRotation } from './pause-rotation.ts';
import type { Final } from './states.ts';
import { asItIs, type SteeredRotation, type Steering } from './steered.ts';

/** The permanent causes that end a rotation as `failed`. Anything else is waited out. */
export const failureReasons = [
  'KEK_DENIED',
  'KEK_NOT_FOUND',
  'OLD_KEY_UNUSABLE',
  'NEW_KEY_UNUSABLE',
  'SCHEMA_MISSING',
] as const;
export type FailureReason = (typeof failureReasons)[number];

/**
 * Whether a cause ends a rotation that has been under way for so long, by the database's clock: since a worker first took it up, or
 * somebody resumed it last. While it was queued or paused nobody met anything.
 */
export type Ends = (
  reason: FailureReason,
  rotation: { readonly switched: boolean; readonly forMs: number },
) => boolean;

/** Ends a running rotation for a permanent cause; null when it runs no more, `goes_on` when it does not end yet. */
export async function failRotation(
  store: Store,
  rotationId: string,
  reason: FailureReason,
  ends: Ends = () => true,
): Promise<Snapshot | 'goes_on' | null> {
  return inTransaction(store, async (tx) => {
    const [before] = await rows<{ switched: boolean; for_ms: number }>(
      tx,
      `select switched_at is not null as switched,
         (extract(epoch from clock_timestamp() - greatest(started_at, (phase_times ->> 'activating')::timestamptz,
           (phase_times ->> 'resumed')::timestamptz)) * 1000)::float8 as for_ms
       from rekey.rotations where id = $1 and status = 'in_progress'`,
      [rotationId],
    );
    if (before === undefined) return null;
    // Before it is halted: that takes its ranges from those who are not in trouble.
    if (!ends(reason, { switched: before.switched, forMs: before.for_ms })) return 'goes_on';
    const rotation = await halt(tx, rotationId);
    if (rotation?.status !== 'in_progress') return null; // ended, or paused meanwhile
    const switchedMeanwhile = rotation.switched_at !== null && !before.switched;
    return switchedMeanwhile ? 'goes_on' : close(tx, rotation, 'failed', reason, null);
  });
}

/**
 * Ends an unfinished rotation: at once, or, where its batches take longer than is waited for, once it is paused and the last of them
 * has ended; `LOCKED` where that one takes longer still, and it stays paused. Everything stays readable: before the switch the new DEK is destroyed
 * unused, after it the new DEK stays active and the next rotation sweeps every older one.
 */
export async function cancelRotation(
  store: Store,
  rotationId: string,
  { actor, reason }: Partial<Steering> = {},
): Promise<SteeredRotation> {
  const cancel = () =>
    inTransaction(store, async (tx): Promise<SteeredRotation> => {
      const rotation = await halt(tx, rotationId);
      if (rotation === null) return asItIs(tx, rotationId, 'cancelled');
      if (reason) await rows(tx, `select set_config('rekey.reason', $1, true)`, [reason]);
      return { kind: 'changed', ...(await close(tx, rotation, 'cancelled', null, actor ?? null)) };
    });
  if (actor === undefined) return cancel();
  return pausedFirst(store, () => rotationId, { actor, reason: reason ?? null }, cancel);
}

/**
 * Does what ends a rotation; where batches are in its way for too long, once more, with the rotation paused: each of its ranges has one
 * batch at most by then, and no other begins.
 */
export async function pausedFirst<Outcome>(
  store: Store,
  rotationInTheWay: () => string | null,
  steering: Steering,
  end: () => Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await end();
  } catch (error) {
    const rotationId = rotationInTheWay();
    if (rotationId === null || !(error instanceof StoreError) || error.code !== 'LOCKED') throw error;
    await pauseRotation(store, rotationId, steering);
    return await end();
  }
}

/**
 * Cancels the tenant's unfinished rotation, in a transaction in which one because of a compromised key begins as `by`. Null: it
 * has ended meanwhile; `compromise`: it is of that kind itself, and stays.
 */
export async function supersedeRotation(
  tx: Queryable,
  rotationId: string,
  by: string,
  actor: Initiator,
): Promise<Snapshot | 'compromise' | null> {
  const rotation = await halt(tx, rotationId);
  if (rotation === null) return null;
  if (rotation.compromise) return 'compromise';
  const { sums, nowMs } = await sumRanges(tx, rotationId);
  const progress = finalProgress(progressOf(rotation, sums, nowMs), rotation, 'cancelled', nowMs);
  const closed = await row<RotationRow>(
    tx,
    `select ${rotationColumns} from rekey.supersede_rotation($1, $2, $3, $4, $5)`,
    [rotationId, by, JSON.stringify(progress), new Date(nowMs), JSON.stringify(actor)],
  );
  return { view: toView(closed), version: Number(closed.version) };
}

/** Takes the ranges from whoever sweeps them, until the transaction ends; null when it has ended. */
async function halt(tx: Queryable, rotationId: string): Promise<RotationRow | null> {
  const [found] = await rows<RotationRow>(tx, `select ${rotationColumns} from rekey.halt_rotation($1)`, [
    rotationId,
  ]);
  return found ?? null;
}

async function close(
  tx: Queryable,
  rotation: RotationRow,
  status: 'failed' | 'cancelled',
  failureReason: FailureReason | null,
  actor: Initiator | null,
): Promise<Snapshot> {
  const { sums, nowMs } = await sumRanges(tx, rotation.id);
  const progress = finalProgress(progressOf(rotation, sums, nowMs), rotation, status, nowMs);
  const closed = await row<RotationRow>(
    tx,
    `select ${rotationColumns} from rekey.close_rotation($1, $2, $3, $4, $5, $6)`,
    [
      rotation.id,
      status,
      failureReason,
      JSON.stringify(progress),
      new Date(nowMs),
      actor === null ? null : JSON.stringify(actor),
    ],
  );
  return { view: toView(closed), version: Number(closed.version) };
}

/** What stays published of a rotation that has ended. */
export function finalProgress(
  running: Progress,
  rotation: RotationRow,
  status: Final,
  completedAtMs: number,
): Progress {
  const completed = status === 'completed' || status === 'completed_with_failures';
  const seconds = Math.max(0.001, (completedAtMs - rotation.started_at.getTime()) / 1_000);
  const done = itemTypes.reduce((sum, type) => sum + running.rotated[type] + running.failed[type], 0);
  return {
    ...running,
    percent: completed ? 100 : running.percent,
    itemsPerSecond: Math.round(done / seconds),
    estimatedCompletion: new Date(completedAtMs).toISOString(),
    course: undefined,
    left: undefined,
    samples: [],
  };
}
