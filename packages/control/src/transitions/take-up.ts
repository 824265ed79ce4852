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
       r.items_per_second_max, r.compromise, r.kek_id
     from rekey.take_up($1), lateral (select s.items_per_second_max, s.compromise, s.kek_id
       from rekey.rotations s where s.id = $1) r`,
    [rotationId],
  );
  return found === undefined ? null : { ...toRunning(found), materialStored: found.material_stored };
}
