import { inTransaction, rows, type Store } from '@rekey/db';
import { progressOf, sumRanges } from './progress.ts';
import {
  type MetWaiting,
  type RotationRow,
  type RotationView,
  rotationColumns,
  toView,
  type WaitingFor,
} from './rotation-view.ts';

/** A view with the number by which a later one is recognised. */
export interface Snapshot {
  readonly view: RotationView;
  readonly version: number;
  /** When it was read, by `performance.now()` of this process: nobody is to take it for news much later. */
  readonly asOfMs?: number;
  /** And by the database's clock, which what it waits for is measured by. */
  readonly databaseMs?: number;
}

/**
 * A heartbeat of a rotation, and its progress brought up to date from its ranges. Concurrent ones take turns
 * on the rotation's row and each reads the ranges after it has its turn, so a higher version is never an older
 * state. Null when the rotation is not running any more.
 */
export async function beat(
  store: Store,
  rotationId: string,
  waitingFor: WaitingFor | null = null,
  waitingDetail: MetWaiting | null = null,
): Promise<Snapshot | null> {
  return inTransaction(store, async (tx) => {
    const [rotation] = await rows<RotationRow>(tx, `select ${rotationColumns} from rekey.beat($1, $2, $3)`, [
      rotationId,
      waitingFor,
      waitingDetail === null ? null : JSON.stringify(waitingDetail),
    ]);
    if (rotation === undefined) return null;
    const asOfMs = performance.now();
    const { sums, nowMs } = await sumRanges(tx, rotationId);
    const progress = progressOf(rotation, sums, nowMs);
    await rows(tx, 'select rekey.keep_progress($1, $2, $3)', [
      rotationId,
      rotation.version,
      JSON.stringify(progress),
    ]);
    return {
      view: toView({ ...rotation, progress }),
      version: Number(rotation.version),
      asOfMs,
      databaseMs: nowMs,
    };
  });
}
