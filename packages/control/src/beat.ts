import { inTransaction, rows, type Store } from '@rekey/db';
import { progressOf, sumRanges } from './progress.ts';
import {
  type RotationRow,
  type RotationView,
  rotationColumns,
  toView,
  type WaitingDetail,
  type WaitingFor,
} from './rotation-view.ts';

/** What holds up one of its ranges, which the beats of the others are not to pass over. */
const heldUp = `(
  select coalesce(g.waiting_for, 'lock') from rekey.rotation_ranges g
  where g.rotation_id = $1 and g.proved_at is null and (g.waiting_for is not null
    or g.swept and g.owner is null and exists (
      select from rekey.rotations r join rekey.dek_drains h on h.tenant_id = r.tenant_id where r.id = $1))
  order by g.target, g.ordinal limit 1)`;

/** A view with the number by which a later one is recognised. */
export interface Snapshot {
  readonly view: RotationView;
  readonly version: number;
  /** When it was read, by `performance.now()` of this process: nobody is to take it for news much later. */
  readonly asOfMs?: number;
}

/**
 * A sign of life for a rotation, and its progress brought up to date from its ranges. Concurrent beats take turns
 * on the rotation's row and each reads the ranges after it has its turn, so a higher version is never an older
 * state. Null when the rotation is not running any more.
 */
export async function beat(
  store: Store,
  rotationId: string,
  waitingFor: WaitingFor | null = null,
  waitingDetail: WaitingDetail | null = null,
): Promise<Snapshot | null> {
  return inTransaction(store, async (tx) => {
    const [rotation] = await rows<RotationRow>(
      tx,
      `with now_waiting as materialized (select coalesce($2::text, ${heldUp}) as it)
       update rekey.rotations r
       set version = version + 1, heartbeat_at = clock_timestamp(), waiting_for = now_waiting.it,
         -- Since when is kept as long as it is the same; a beat that knows no more leaves the detail as it is.
         waiting_detail = case
           when $3::jsonb is null then case when now_waiting.it = r.waiting_for then r.waiting_detail end
           when $3::jsonb ->> 'what' = r.waiting_detail ->> 'what'
             or (now_waiting.it = 'integrity' and r.waiting_for = 'integrity' and r.waiting_detail is not null)
             then $3::jsonb || jsonb_build_object('since', r.waiting_detail -> 'since')
           when $3::jsonb ->> 'since' is null and now_waiting.it = 'integrity'
             then $3::jsonb || jsonb_build_object('since',
               to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
           else $3::jsonb end
       from now_waiting
       where id = $1 and status = 'in_progress' returning ${rotationColumns}`,
      [rotationId, waitingFor, waitingDetail === null ? null : JSON.stringify(waitingDetail)],
    );
    if (rotation === undefined) return null;
    const asOfMs = performance.now();
    const { sums, nowMs } = await sumRanges(tx, rotationId);
    const progress = progressOf(rotation, sums, nowMs);
    await tx.query('update rekey.rotations set progress = $2 where id = $1', [
      rotationId,
      JSON.stringify(progress),
    ]);
    return { view: toView({ ...rotation, progress }), version: Number(rotation.version), asOfMs };
  });
}
