import { asyncCommit, prepared, type Queryable } from '@rekey/db';
import { type RunningRotation, type RunningRow, toRunning } from '../running-rotation.ts';

export interface TakenUp extends RunningRotation {
  /** Whether the new DEK's material was stored before. */
  readonly materialStored: boolean;
}

/** The rotation, if it is running, with a heartbeat; from queued it goes on to activating. */
export async function takeUp(on: Queryable, rotationId: string): Promise<TakenUp | null> {
  const [found] = await prepared<RunningRow & { material_stored: boolean }>(
    on,
    `select id, tenant_id, phase, previous_dek_id, new_dek_id, key_number, switched, material_stored, ${asyncCommit},
       (select r.items_per_second_max from rekey.rotations r where r.id = $1)
     from rekey.take_up($1)`,
    [rotationId],
  );
  return found === undefined ? null : { ...toRunning(found), materialStored: found.material_stored };
}
