import { itemTypes } from '@rekey/data';
import { inTransaction, row, rows, type Store } from '@rekey/db';
import type { PoolClient } from 'pg';
import type { Snapshot } from './beat.ts';
import { progressOf, sumRanges } from './progress.ts';
import {
  type Progress,
  type RotationRow,
  type RotationStatus,
  type RotationView,
  rotationColumns,
  toView,
} from './rotation-view.ts';

/** The permanent causes that end a rotation as `failed`. Anything else is waited out. */
export const failureReasons = [
  'KEK_DENIED',
  'KEK_NOT_FOUND',
  'OLD_KEY_UNUSABLE',
  'NEW_KEY_UNUSABLE',
  'SCHEMA_MISSING',
] as const;
export type FailureReason = (typeof failureReasons)[number];

export type Final = Exclude<RotationStatus, 'in_progress' | 'paused'>;

/** Whether a cause ends a rotation that has been under way for so long, by the database's clock. */
export type Ends = (
  reason: FailureReason,
  rotation: { readonly switched: boolean; readonly forMs: number },
) => boolean;

/** Ends an unfinished rotation for a permanent cause; null when it had ended already, `goes_on` when it does not yet. */
export async function failRotation(
  store: Store,
  rotationId: string,
  reason: FailureReason,
  ends: Ends = () => true,
): Promise<Snapshot | 'goes_on' | null> {
  return inTransaction(store, async (tx) => {
    const rotation = await lockUnfinished(tx, rotationId);
    if (rotation === null) return null;
    const { switched, for_ms } = await row<{ switched: boolean; for_ms: number }>(
      tx,
      `select switched_at is not null as switched,
         (extract(epoch from clock_timestamp() - started_at) * 1000)::float8 as for_ms
       from rekey.rotations where id = $1`,
      [rotationId],
    );
    return ends(reason, { switched, forMs: for_ms }) ? close(tx, rotation, 'failed', reason) : 'goes_on';
  });
}

export type CancelledRotation =
  | { readonly kind: 'cancelled'; readonly view: RotationView; readonly version: number }
  | { readonly kind: 'finished'; readonly view: RotationView }
  | { readonly kind: 'not_found' };

/**
 * Ends an unfinished rotation at once. Everything stays readable: before the switch the new DEK is destroyed
 * unused, after it the new DEK stays active and the next rotation sweeps every older one.
 */
export async function cancelRotation(store: Store, rotationId: string): Promise<CancelledRotation> {
  return inTransaction(store, async (tx): Promise<CancelledRotation> => {
    const rotation = await lockUnfinished(tx, rotationId);
    if (rotation !== null) return { kind: 'cancelled', ...(await close(tx, rotation, 'cancelled', null)) };
    const [found] = await rows<RotationRow>(
      tx,
      `select ${rotationColumns} from rekey.rotations where id = $1`,
      [rotationId],
    );
    return found === undefined ? { kind: 'not_found' } : { kind: 'finished', view: toView(found) };
  });
}

async function lockUnfinished(tx: PoolClient, rotationId: string): Promise<RotationRow | null> {
  const [found] = await rows<RotationRow>(
    tx,
    `select ${rotationColumns} from rekey.rotations
     where id = $1 and status in ('in_progress', 'paused') for update`,
    [rotationId],
  );
  return found ?? null;
}

async function close(
  tx: PoolClient,
  rotation: RotationRow,
  status: 'failed' | 'cancelled',
  failureReason: FailureReason | null,
): Promise<Snapshot> {
  // Takes the ranges from whoever sweeps them: waits for batches that are committing, turns later ones away.
  await tx.query(
    'update rekey.rotation_ranges set owner = null where rotation_id = $1 and owner is not null',
    [rotation.id],
  );
  await destroyUnusedDek(tx, rotation.new_dek_id);
  const { sums, nowMs } = await sumRanges(tx, rotation.id);
  const progress = finalProgress(progressOf(rotation, sums, nowMs), rotation, status, nowMs);
  const closed = await row<RotationRow>(
    tx,
    `update rekey.rotations
     set status = $2, phase = 'done', failure_reason = $3, progress = $4, version = version + 1,
       waiting_for = null, completed_at = $5, heartbeat_at = clock_timestamp()
     where id = $1 returning ${rotationColumns}`,
    [rotation.id, status, failureReason, JSON.stringify(progress), new Date(nowMs)],
  );
  return { view: toView(closed), version: Number(closed.version) };
}

/** A DEK that never became active has sealed nothing. */
async function destroyUnusedDek(tx: PoolClient, dekId: string): Promise<void> {
  const destroyed = await rows(
    tx,
    `update rekey.deks set state = 'destroyed', destroyed_at = now()
     where id = $1 and state = 'pre_active' returning 1`,
    [dekId],
  );
  if (destroyed.length === 1) await tx.query('delete from rekey.dek_material where dek_id = $1', [dekId]);
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
    samples: [],
  };
}
