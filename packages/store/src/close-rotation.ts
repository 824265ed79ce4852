import type { PoolClient } from 'pg';
import { databaseNow, type Snapshot } from './beat.ts';
import { inTransaction, row, rows, type Store } from './open-store.ts';
import { progressOf, sumRanges } from './progress.ts';
import {
  type Progress,
  type RotationRow,
  type RotationStatus,
  type RotationView,
  rotationColumns,
  toView,
} from './rotation-view.ts';
import { itemTypes, totalOf } from './targets.ts';

/** The permanent causes that end a rotation as `failed`. Anything else is waited out. */
export const failureReasons = [
  'KEK_DENIED',
  'KEK_NOT_FOUND',
  'OLD_KEY_UNUSABLE',
  'NEW_KEY_UNUSABLE',
  'SCHEMA_MISSING',
] as const;
export type FailureReason = (typeof failureReasons)[number];

type Final = Exclude<RotationStatus, 'in_progress' | 'paused'>;

export type CompletedRotation =
  | { readonly kind: 'completed'; readonly snapshot: Snapshot }
  /** Some range is not proved, or some target was never planned. */
  | { readonly kind: 'not_proved' }
  /** Somebody else ended it. */
  | { readonly kind: 'finished' };

/**
 * Ends a rotation as completed if, and only if, every part of every registered target was proved: ranges that lie
 * edge to edge from minus to plus infinity, each counted after the switch with nothing left on an older DEK but
 * what is set aside. With something set aside it ends `completed_with_failures`. No key changes state here.
 */
export async function completeRotation(store: Store, rotationId: string): Promise<CompletedRotation> {
  return inTransaction(store, async (tx): Promise<CompletedRotation> => {
    const rotation = await lockUnfinished(tx, rotationId);
    if (rotation === null) return { kind: 'finished' };
    if (!(await everythingProved(tx, rotationId))) return { kind: 'not_proved' };
    const failed = totalOf((await sumRanges(tx, rotationId)).failed);
    const status = failed === 0 ? 'completed' : 'completed_with_failures';
    return { kind: 'completed', snapshot: await close(tx, rotation, status, null) };
  });
}

/** Ends an unfinished rotation for a permanent cause; null when it had ended already. */
export async function failRotation(
  store: Store,
  rotationId: string,
  reason: FailureReason,
): Promise<Snapshot | null> {
  return inTransaction(store, async (tx) => {
    const rotation = await lockUnfinished(tx, rotationId);
    return rotation === null ? null : close(tx, rotation, 'failed', reason);
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

/**
 * Ranges are stored only after the switch, so every proof is later than it, whatever a clock says. Nothing here may be
 * null: an aggregate passes over nulls, and an unproved range would go unseen.
 */
async function everythingProved(tx: PoolClient, rotationId: string): Promise<boolean> {
  const { proved } = await row<{ proved: boolean }>(
    tx,
    `select coalesce(bool_and(covered), false) as proved from (
       select t.name, count(g.*) > 0 and coalesce(bool_and(
           g.proved_at is not null
           and g.lower_id is not distinct from g.edge_before
           and (g.upper_id is null) = g.is_last), false) as covered
       from rekey.targets t
       left join (
         select *, lag(upper_id) over (partition by target order by ordinal) as edge_before,
           lead(ordinal) over (partition by target order by ordinal) is null as is_last
         from rekey.rotation_ranges where rotation_id = $1) g on g.target = t.name
       where t.retired_at is null group by t.name) targets`,
    [rotationId],
  );
  return proved;
}

async function close(
  tx: PoolClient,
  rotation: RotationRow,
  status: Final,
  failureReason: FailureReason | null,
): Promise<Snapshot> {
  // Takes the ranges from whoever sweeps them: waits for batches that are committing, turns later ones away.
  await tx.query(
    'update rekey.rotation_ranges set owner = null where rotation_id = $1 and owner is not null',
    [rotation.id],
  );
  await destroyUnusedDek(tx, rotation.new_dek_id);
  const completedAtMs = await databaseNow(tx);
  const progress = finalProgress(
    progressOf(rotation, await sumRanges(tx, rotation.id), completedAtMs),
    rotation,
    status,
    completedAtMs,
  );
  const closed = await row<RotationRow>(
    tx,
    `update rekey.rotations
     set status = $2, phase = 'done', failure_reason = $3, progress = $4, version = version + 1,
       waiting_for = null, completed_at = $5, heartbeat_at = clock_timestamp()
     where id = $1 returning ${rotationColumns}`,
    [rotation.id, status, failureReason, JSON.stringify(progress), new Date(completedAtMs)],
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

function finalProgress(
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
