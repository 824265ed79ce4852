import { asyncCommit, prepared, type Queryable, several } from '@rekey/db';
import { type RunningRotation, type RunningRow, toRunning } from '../running-rotation.ts';

export interface TakenUp extends RunningRotation {
  /** Whether the new DEK's material was stored before. */
  readonly materialStored: boolean;
}

/** The rotation, if it is running, with a heartbeat; from queued it goes on to activating. */
export async function takeUp(on: Queryable, rotationId: string): Promise<TakenUp | null> {
  const [found = null] = await takeUpOf(on, '(select $1::uuid as rotation) asked', [rotationId]);
  return found;
}

/** The same for several rotations, all or nothing; in the same order. */
export async function takeUpSeveral(
  on: Queryable,
  rotationIds: readonly string[],
): Promise<Array<TakenUp | null>> {
  const found = await takeUpOf(on, several({ rotation: 'uuid' }), [rotationIds]);
  return rotationIds.map((id) => found.find((one) => one.id === id) ?? null);
}

async function takeUpOf(on: Queryable, asked: string, values: readonly unknown[]): Promise<TakenUp[]> {
  const found = await prepared<RunningRow & { material_stored: boolean }>(
    on,
    `select t.id, t.tenant_id, t.phase, t.previous_dek_id, t.new_dek_id, t.key_number, t.switched, t.material_stored,
       ${asyncCommit}, r.items_per_second_max, r.compromise, r.kek_id
     from ${asked} cross join lateral rekey.take_up(asked.rotation) t cross join lateral (
       select s.items_per_second_max, s.compromise, s.kek_id from rekey.rotations s where s.id = asked.rotation) r`,
    values,
  );
  return found.map((one) => ({ ...toRunning(one), materialStored: one.material_stored }));
}
